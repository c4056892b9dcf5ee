"use strict";
// One page for every API: choose it, get a token for it, try it. Nothing is stored and nothing leaves this machine.
(() => {
  const choice = document.getElementById("api");
  const note = document.getElementById("note");
  const link = document.getElementById("document");
  const wanted = new URLSearchParams(location.search).get("api");
  if (wanted && [...choice.options].some((option) => option.value === wanted)) choice.value = wanted;
  const introduction = note.textContent;
  let ui;

  async function show() {
    const path = "/openapi/" + encodeURIComponent(choice.value) + ".json";
    link.href = path;
    const answer = await fetch(path);
    if (!answer.ok) { note.textContent = "The document cannot be read (" + answer.status + "); reload the page."; return; }
    const described = await answer.json();
    delete described.components.securitySchemes.oauth2; // the form below it cannot say which API a token is for
    ui = SwaggerUIBundle({
      spec: described,
      dom_id: "#swagger-ui",
      deepLinking: true,
      docExpansion: "list",
      validatorUrl: null,
      displayRequestDuration: true,
      defaultModelsExpandDepth: 0,
      tryItOutEnabled: true,
      presets: [SwaggerUIBundle.presets.apis],
      layout: "BaseLayout",
    });
  }

  async function token() {
    note.textContent = "Asking …";
    const answer = await fetch("/docs/token?api=" + encodeURIComponent(choice.value), { method: "POST" });
    const body = await answer.json();
    if (!answer.ok) { note.textContent = body.detail; return; }
    ui.preauthorizeApiKey("bearer", body.access_token);
    note.textContent = "Authorized for ten minutes: every “Execute” sends the token.";
  }

  choice.addEventListener("change", () => {
    history.replaceState(null, "", "?api=" + encodeURIComponent(choice.value));
    note.textContent = introduction;
    show();
  });
  document.getElementById("token")?.addEventListener("click", token);
  show();
})();
