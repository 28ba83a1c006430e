// Starts swagger-ui on the schema named in the page; a file, because the CSP allows no inline script.
window.addEventListener("DOMContentLoaded", () => {
  const target = document.getElementById("swagger-ui");
  window.SwaggerUIBundle({ url: target.dataset.schema, domNode: target, deepLinking: true });
});
