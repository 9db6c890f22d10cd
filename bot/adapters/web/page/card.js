// One turn of the conversation: the line that was sent and, below it, the answer.

import { el, icon, thumbnail } from "./dom.js";
import { downloads, gallery } from "./media.js";
import { formatPercent, t } from "./i18n.js";

export const ENDED = new Set(["done", "failed", "cancelled"]);

export class Card {
  // `page` has cancel(card), clickButton(button, card), focusInput(line), edit(turn, entries), attach(media) and a lightbox.
  constructor(turn, page, text, entries = []) {
    this.turn = turn;
    this.entries = entries;
    this.page = page;
    this.answer = el("div");
    this.node = el("li", { class: "turn" }, renderMessage(turn, entries), this.answer);
    this.reset(text);
  }

  // Shows `text` until the first state.
  reset(text) {
    this.state = null;
    this.answer.className = "answer waiting";
    this.answer.replaceChildren(el("p", { class: "text" }, text));
  }

  get live() {
    return this.state === null || !ENDED.has(this.state.state);
  }

  // Call this before a state is requested. Returns a function that says whether to show the state that was received:
  // not if the card has shown another one since, unless the received one is the end.
  expectState() {
    const { state: before, turn: { id } } = this;
    return (state) => this.turn.id === id && this.live && (this.state === before || ENDED.has(state.state));
  }

  show(state) {
    const before = this.state;
    this.state = state;
    this.answer.className = `answer ${state.state}`;
    if (ENDED.has(state.state)) this.finish(state);
    else this.progress(state, before);
  }

  // Moves the focus to the message box if it was on a control that disappears.
  finish(state) {
    const hadFocus = this.answer.contains(document.activeElement);
    this.answer.replaceChildren(...this.renderResult(state));
    if (hadFocus) this.page.focusInput();
  }

  progress(state, before) {
    if (before === null || !this.bar) this.answer.replaceChildren(...this.renderProgress(state));
    this.text.textContent = state.stage === null ? state.text : progressText(state);
    if (state.fraction === null) this.bar.removeAttribute("value");
    else this.bar.value = state.fraction;
    if (state.preview && state.preview.url !== this.preview.getAttribute("src")) this.showPreview(state.preview.url);
  }

  renderProgress({ buttons }) {
    this.preview = el("img", { class: "preview", alt: t("Preview"), hidden: true });
    this.text = el("p", { class: "text" });
    this.bar = el("progress", { max: 1, "aria-label": this.turn.line });
    this.cancelLabel = buttons[0].label;
    this.cancelButton = el("button", { type: "button", class: "action", onclick: () => this.cancel() }, icon("close"), this.cancelLabel);
    return [this.preview, this.text, this.bar, el("div", { class: "actions" }, this.cancelButton)];
  }

  // The old preview stays until the new one is decoded, so that it does not flicker.
  async showPreview(url) {
    const next = this.next = new Image();
    next.src = url;
    await next.decode().catch(() => null);
    if (!next.naturalWidth || next !== this.next || !this.live) return;
    this.preview.src = url;
    this.preview.hidden = false;
  }

  cancel() {
    if (this.cancelButton.ariaDisabled) return;
    this.cancelButton.ariaDisabled = "true"; // not `disabled`, which would take the focus away
    this.cancelButton.lastChild.textContent = t("Cancelling…");
    this.page.cancel(this);
  }

  resetCancel() {
    this.cancelButton.ariaDisabled = null;
    this.cancelButton.lastChild.textContent = this.cancelLabel;
  }

  renderResult(state) {
    if (state.error) return [el("p", { class: "text" }, icon("close"), state.error.message), el("div", { class: "actions" }, this.editButton())];
    const { media } = state.result;
    return [
      media.length ? gallery(media, state.alt || this.turn.line, this.page.lightbox) : null,
      this.textWithoutPrompt(state) ? el("p", { class: "text" }, ...this.formatText(this.textWithoutPrompt(state))) : null,
      el("div", { class: "actions" }, ...downloads(media), ...this.buttons(state), this.useButton(media), media.length ? this.editButton() : null),
    ].filter(Boolean);
  }

  // Returns the answer's text without the prompt if the message above already shows it.
  textWithoutPrompt({ text, alt }) {
    return alt && text.startsWith(`${alt}\n`) && this.turn.line.includes(alt) ? text.slice(alt.length + 1) : text;
  }

  buttons(state) {
    return (state.buttons ?? []).map((button) =>
      el("button", { type: "button", class: "action", onclick: () => this.page.clickButton(button, this) }, icon(button.command), button.label));
  }

  editButton() {
    return el("button", { type: "button", class: "action", onclick: () => this.page.edit(this.turn, this.entries) }, icon("edit"), t("Edit"));
  }

  // Formats `code`, **strong** and a /command at the start of a line, which becomes a button that fills the message box.
  formatText(text) {
    return text.split(/(`[^`\n]+`|\*\*[^*\n]+\*\*|(?<![^\n])\/[a-z_]+(?= |$))/m).map((part) => {
      if (/^`.+`$/.test(part)) return el("code", {}, part.slice(1, -1));
      if (/^\*\*.+\*\*$/.test(part)) return el("strong", {}, part.slice(2, -2));
      if (/^\/[a-z_]+$/.test(part)) return el("button", { type: "button", class: "command", onclick: () => this.page.focusInput(`${part} `) }, part);
      return part;
    });
  }

  useButton(media) {
    const picture = media.find((each) => each.mime.startsWith("image/"));
    if (!picture || !this.state.id) return null;
    return el("button", { type: "button", class: "action", onclick: () => this.page.attach(picture) },
      icon("attach"), t("Use as input"));
  }
}

function renderMessage({ line, files, label }, entries) {
  const [, command, rest] = /^(\/\S*)?(.*)$/s.exec(line);
  const thumbs = files.map((name, index) => {
    const named = el("span", { class: "file" }, icon("file"), name);
    return entries[index]?.url ? thumbnail(entries[index].url, name, named) : named;
  });
  return el("div", { class: "said" }, ...thumbs, el("p", {}, label ? el("b", { class: "label" }, label) : null, command ? el("b", {}, command) : null, rest));
}

// Returns the stage, the percentage and the seconds left.
function progressText({ stage, fraction, seconds_left: left }) {
  const parts = [stage, fraction ? formatPercent(fraction) : "", left === null ? "" : `≈ ${Math.ceil(left)} s`];
  return parts.filter(Boolean).join(" · ");
}

// Returns the state of a request that the server refused or that could not be sent.
export const failedState = (kind, message) => ({ id: null, state: "failed", text: message, fraction: null, error: { kind, message }, result: null });
