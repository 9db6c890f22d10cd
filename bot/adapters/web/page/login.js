// The small form that asks for the owner's token when the server wants one.

import { login } from "./api.js";
import { find } from "./dom.js";

// Resolves once the server let this browser in.
export function letIn() {
  const dialog = find("login");
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  dialog.showModal();
  return new Promise((entered) => {
    find("login-form").addEventListener("submit", async (event) => {
      event.preventDefault();
      try {
        await login(find("token").value);
      } catch (error) {
        find("login-error").textContent = error.message;
        find("token").select();
        return;
      }
      dialog.close();
      entered();
    });
  });
}
