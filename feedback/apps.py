from django.apps import AppConfig


class FeedbackConfig(AppConfig):
    name = "feedback"

    def ready(self) -> None:
        """Show replays on the pages of policy versions."""
        from feedback.replay_panel import replay_panel
        from routing.panels import add_version_panel

        add_version_panel(replay_panel)
