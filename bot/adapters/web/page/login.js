// The form that asks for the owner's token when the server requires one.

import { login, pageData } from "./api.js";
import { find } from "./dom.js";

// Shows the form; resolves once the server has accepted a token.
export function signIn() {
  const dialog = find("login");
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  dialog.showModal();
  return new Promise((resolve) => {
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
      resolve();
    });
  });
}

// Returns the data that the page starts with. Signs in first where the server requires it.
export async function loadPageData() {
  try {
    return await pageData();
  } catch (error) {
    if (error.status !== 401) throw error;
    await signIn();
    return pageData();
  }
}
