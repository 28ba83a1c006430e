"""Pictures of states for docs/images and for whoever works on the look: HITL_SHOTS names the folder."""

import base64
import os
from pathlib import Path

from tests.e2e.conftest import Tab

# The browser itself makes the small file: no imaging library is needed.
_TO_WEBP = """async (png) => {
  const image = new Image();
  image.src = `data:image/png;base64,${png}`;
  await image.decode();
  const canvas = Object.assign(document.createElement('canvas'), { width: image.width, height: image.height });
  canvas.getContext('2d').drawImage(image, 0, 0);
  return canvas.toDataURL('image/webp', 0.82).split(',')[1];
}"""


def shot(tab: Tab, name: str) -> None:
    """What the window shows, as WebP (well under 60 kB), and as PNG in `raw/` where that folder exists."""
    if not (folder := os.environ.get("HITL_SHOTS")):
        return
    png = tab.page.screenshot(animations="disabled")
    if (raw := Path(folder) / "raw").is_dir():
        (raw / f"{name}.png").write_bytes(png)
    blank = tab.page.context.new_page()
    (Path(folder) / f"{name}.webp").write_bytes(
        base64.b64decode(blank.evaluate(_TO_WEBP, base64.b64encode(png).decode()))
    )
    blank.close()
