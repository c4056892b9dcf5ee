"use strict";
// One page for every API: choose it, get a token for it, try it. Nothing is stored and nothing leaves this machine.
(() => {
  const choice = document.getElementById("api");
  const note = document.getElementById("note");
  const wanted = new URLSearchParams(location.search).get("api");
  if (wanted && [...choice.options].some((option) => option.value === wanted)) choice.value = wanted;
  let ui;

  function show() {
    history.replaceState(null, "", "?api=" + encodeURIComponent(choice.value));
    ui = SwaggerUIBundle({
      url: "/openapi/" + encodeURIComponent(choice.value) + ".json",
      dom_id: "#swagger-ui",
      deepLinking: true,
      validatorUrl: null,
      displayRequestDuration: true,
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

  choice.addEventListener("change", show);
  document.getElementById("token")?.addEventListener("click", token);
  show();
})();
