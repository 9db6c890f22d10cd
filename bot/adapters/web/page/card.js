// One turn of the conversation: the line that was sent, and under it the answer as it comes to be.

import { el, icon, thumbnail } from "./dom.js";
import { asFile, downloads, gallery } from "./media.js";
import { t } from "./words.js";

export const ENDED = new Set(["done", "failed", "cancelled"]);

export class Card {
  // `desk` has send, write(), cancel(card), press(button, card), write(line), edit(turn, entries), attach(file) and a lightbox.
  constructor(turn, desk, words, entries = []) {
    this.turn = turn;
    this.entries = entries;
    this.desk = desk;
    this.answer = el("div");
    this.node = el("li", { class: "turn" }, said(turn, entries), this.answer);
    this.begin(words);
  }

  begin(words) {
    this.state = null;
    this.answer.className = "answer waiting";
    this.answer.replaceChildren(el("p", { class: "text" }, words));
  }

  get live() {
    return this.state === null || !ENDED.has(this.state.state);
  }

  show(state) {
    const before = this.state;
    this.state = state;
    this.answer.className = `answer ${state.state}`;
    if (ENDED.has(state.state)) this.finish(state);
    else this.progress(state, before);
  }

  // Whoever had the focus on what goes away goes on at the message box.
  finish(state) {
    const held = this.answer.contains(document.activeElement);
    this.answer.replaceChildren(...this.end(state));
    if (held) this.desk.write();
  }

  progress(state, before) {
    if (before === null || !this.bar) this.answer.replaceChildren(...this.frame(state));
    this.text.textContent = state.stage === null ? state.text : doing(state);
    if (state.fraction === null) this.bar.removeAttribute("value");
    else this.bar.value = state.fraction;
    if (state.preview && state.preview.url !== this.preview.getAttribute("src")) this.peek(state.preview.url);
  }

  frame({ buttons }) {
    this.preview = el("img", { class: "preview", alt: t("The picture so far"), hidden: true });
    this.text = el("p", { class: "text" });
    this.bar = el("progress", { max: 1, "aria-label": this.turn.line });
    this.stopping = buttons[0].label;
    this.stop = el("button", { type: "button", class: "action", onclick: () => this.cancel() }, icon("close"), this.stopping);
    return [this.preview, this.text, this.bar, el("div", { class: "actions" }, this.stop)];
  }

  // The old preview stays until the new one is decoded, so that it does not flicker.
  async peek(url) {
    const next = this.next = new Image();
    next.src = url;
    await next.decode().catch(() => null);
    if (!next.naturalWidth || next !== this.next || !this.live) return;
    this.preview.src = url;
    this.preview.hidden = false;
  }

  cancel() {
    if (this.stop.ariaDisabled) return;
    this.stop.ariaDisabled = "true"; // not `disabled`, which would take the focus away
    this.stop.lastChild.textContent = t("Cancelling…");
    this.desk.cancel(this);
  }

  uncancel() {
    this.stop.ariaDisabled = null;
    this.stop.lastChild.textContent = this.stopping;
  }

  end(state) {
    if (state.error) return [el("p", { class: "text" }, icon("close"), state.error.message), el("div", { class: "actions" }, this.editing())];
    const { media } = state.result;
    return [
      media.length ? gallery(media, state.alt || this.turn.line, this.desk.lightbox) : null,
      this.told(state) ? el("p", { class: "text" }, ...this.marked(this.told(state))) : null,
      el("div", { class: "actions" }, ...downloads(media), ...this.buttons(state), this.using(media), media.length ? this.editing() : null),
    ].filter(Boolean);
  }

  // The answer's text without the prompt, where that stands above it already.
  told({ text, alt }) {
    return alt && text.startsWith(`${alt}\n`) && this.turn.line.includes(alt) ? text.slice(alt.length + 1) : text;
  }

  buttons(state) {
    return (state.buttons ?? []).map((button) =>
      el("button", { type: "button", class: "action", onclick: () => this.desk.press(button, this) }, icon(button.command), button.label));
  }

  editing() {
    return el("button", { type: "button", class: "action", onclick: () => this.desk.edit(this.turn, this.entries) }, icon("edit"), t("Edit"));
  }

  // `code`, **strong** and a /command at the start of a line, which a press writes into the message box; the rest stays text.
  marked(text) {
    return text.split(/(`[^`\n]+`|\*\*[^*\n]+\*\*|(?<![^\n])\/[a-z_]+(?= |$))/m).map((part) => {
      if (/^`.+`$/.test(part)) return el("code", {}, part.slice(1, -1));
      if (/^\*\*.+\*\*$/.test(part)) return el("strong", {}, part.slice(2, -2));
      if (/^\/[a-z_]+$/.test(part)) return el("button", { type: "button", class: "command", onclick: () => this.desk.write(`${part} `) }, part);
      return part;
    });
  }

  using(media) {
    const picture = media.find((each) => each.mime.startsWith("image/"));
    if (!picture || !this.state.id) return null;
    return el("button", { type: "button", class: "action", onclick: async () => this.desk.attach(await asFile(picture)) },
      icon("attach"), t("Use as input"));
  }
}

function said({ line, files, label }, entries) {
  const [, command, rest] = /^(\/\S*)?(.*)$/s.exec(line);
  const thumbs = files.map((name, index) => {
    const named = el("span", { class: "file" }, icon("file"), name);
    return entries[index]?.url ? thumbnail(entries[index].url, name, named) : named;
  });
  return el("div", { class: "said" }, ...thumbs, el("p", {}, label ? el("b", { class: "label" }, label) : null, command ? el("b", {}, command) : null, rest));
}

// A bar shows the fraction, so the words need not.
function doing({ stage, fraction, seconds_left: left }) {
  const parts = [stage, fraction ? `${Math.round(100 * fraction)} %` : "", left === null ? "" : `≈ ${Math.ceil(left)} s`];
  return parts.filter(Boolean).join(" · ");
}
