// The server as functions. A refusal is thrown as Refused with the server's own words.

import { t } from "./words.js";

export class Refused extends Error {
  constructor(status, error) {
    super(error.message);
    this.status = status;
    this.kind = error.kind;
  }
}

async function call(method, path, body) {
  let response, answer;
  try {
    response = await fetch(path, { method, ...encoded(body) });
    answer = response.status === 204 ? null : await response.json();
  } catch {
    throw new Refused(0, { kind: "Unreachable", message: t("The server cannot be reached. Check that Atelier runs, then send it again.") });
  }
  if (!response.ok) throw new Refused(response.status, answer.error);
  return answer;
}

function encoded(body) {
  if (body === undefined) return {};
  if (body instanceof FormData) return { body };
  return { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
}

export const about = () => call("GET", "/api/page");
export const login = (token) => call("POST", "/api/login", { token });
export const state = (id) => call("GET", `/jobs/${id}`);
export const cancel = (id) => call("DELETE", `/jobs/${id}`);

// `text` is what a person made of the text that the button opens.
export const press = ({ command, argument }, text) => call("POST", "/jobs", { button: `${command}:${argument}`, text });

// `files` is a list of [option, File].
export function ask(line, files) {
  if (!files.length) return call("POST", "/jobs", { line });
  const form = new FormData();
  form.append("line", line);
  for (const [option, file] of files) form.append(option, file, file.name);
  return call("POST", "/jobs", form);
}
