// The HTTP API as functions. An error response is thrown as ApiError with the server's message.

import { t } from "./i18n.js";

export class ApiError extends Error {
  constructor(status, error) {
    super(error.message);
    this.status = status;
    this.kind = error.kind;
  }
}

async function call(method, path, body) {
  let response, answer;
  try {
    response = await fetch(path, { method, ...encodeBody(body) });
    answer = response.status === 204 ? null : await response.json();
  } catch {
    throw new ApiError(0, { kind: "Unreachable", message: t("Can't reach Atelier. Check that it's running, then try again.") });
  }
  if (!response.ok) throw new ApiError(response.status, answer.error);
  return answer;
}

function encodeBody(body) {
  if (body === undefined) return {};
  if (body instanceof FormData) return { body };
  return { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
}

export const pageData = () => call("GET", "/api/page");
export const login = (token) => call("POST", "/api/login", { token });
export const jobState = (id) => call("GET", `/jobs/${id}`);
export const cancel = (id) => call("DELETE", `/jobs/${id}`);

// `text` is the edited text, for a button that opens one.
export const clickButton = ({ command, argument }, text) => call("POST", "/jobs", { button: `${command}:${argument}`, text });

// `files` is a list of [option, File].
export function sendLine(line, files) {
  if (!files.length) return call("POST", "/jobs", { line });
  const form = new FormData();
  form.append("line", line);
  for (const [option, file] of files) form.append(option, file, file.name);
  return call("POST", "/jobs", form);
}
