// The message box: suggestions while typing, the hint below, Enter to send, arrow up to repeat the last line.
// index.html disables it until this code runs, so that nothing typed or sent before then is lost.

import { Attachments } from "./attachments.js";
import { commandOf, complete, describeOption, suggest, usage } from "./completion.js";
import { el, find, icon } from "./dom.js";
import { t } from "./i18n.js";

export class Composer {
  // `send(line, pairs, entries)` sends a line, `refuse(message)` shows an error, `last()` returns the line sent before.
  constructor({ commands, bound, send, refuse, last }) {
    Object.assign(this, { commands, send, refuse, last, place: null, active: -1, edited: null });
    this.box = find("line");
    this.list = find("completions");
    this.attachments = new Attachments(bound, () => this.refresh(), refuse);
    find("send").append(icon("send"));
    find("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.box.addEventListener("input", () => this.refresh());
    this.box.addEventListener("click", () => this.refresh());
    this.box.addEventListener("keydown", (event) => this.key(event));
    this.box.addEventListener("keyup", (event) => event.key.startsWith("Arrow") && !this.open && this.showHint());
    this.box.addEventListener("blur", () => this.close());
    for (const id of ["line", "attach", "send"]) find(id).disabled = false;
    this.refresh();
  }

  get open() {
    return !this.list.hidden;
  }

  // Opens `text` for editing. `send(text)` is called with the edited text; Escape cancels.
  edit(text, { label, about }, send) {
    this.setLine(text);
    this.edited = { label, about, how: text ? t("Edit it, then press Enter to send (Esc to cancel).") : t("Type it, then press Enter to send (Esc to cancel)."), send };
    this.refresh();
  }

  cancelEdit() {
    this.edited = null;
    this.box.value = "";
    this.refresh();
  }

  setLine(line) {
    this.edited = null;
    this.box.value = line;
    this.box.focus();
    this.box.setSelectionRange(line.length, line.length);
    this.refresh();
  }

  refresh() {
    this.fitHeight();
    if (this.edited) {
      this.close();
      const { label, about, how } = this.edited;
      return find("hint").replaceChildren(...[el("b", {}, label), about ? el("em", {}, about) : null, el("em", {}, how)].filter(Boolean));
    }
    const command = commandOf(this.box.value, this.commands);
    this.attachments?.show(this.box.value.trim() ? command : null);
    this.place = suggest(this.box.value, this.box.selectionStart, this.commands);
    this.showHint();
    const typed = this.box.value.slice(this.place.start, this.place.end);
    const items = this.place.items.filter((item) => item.value !== typed);
    if (!items.length || document.activeElement !== this.box || !this.offersItems(typed)) return this.close();
    this.showItems(items, typed ? 0 : -1);
  }

  // Returns whether to show suggestions: an option's choices at once, commands and options only after "/" and "--".
  offersItems(typed) {
    return typed !== "" || (this.place.option !== null && !this.place.option.rest && !this.place.option.positional)
      || (this.place.option?.positional && this.place.option.choices.length > 0);
  }

  fitHeight() {
    this.box.style.height = "auto";
    this.box.style.height = `${this.box.scrollHeight}px`;
  }

  showHint() {
    if (this.edited) return;
    const place = suggest(this.box.value, this.box.selectionStart, this.commands);
    const command = this.box.value.trim() ? commandOf(this.box.value, this.commands) : null;
    const hint = find("hint");
    if (!command) return hint.replaceChildren();
    const words = usage(command, place.option).map((each) =>
      el("span", { class: each.current ? "current" : null, title: each.required ? t("{option} is required", { option: each.text }) : null },
        each.text));
    const about = place.option ? describeOption(place.option) : command.description;
    hint.replaceChildren(el("b", {}, `/${command.name}`), ...words, el("em", {}, about));
  }

  showItems(items, active) {
    this.items = items;
    this.list.replaceChildren(...items.map((item, index) =>
      el("li", { role: "option", id: `completion-${index}`, "aria-selected": "false",
        onmousedown: (event) => { event.preventDefault(); this.accept(item); } },
      el("span", { class: "value" }, item.label), el("span", { class: "soft" }, item.description))));
    this.list.hidden = false;
    this.choose(active);
  }

  close() {
    this.list.hidden = true;
    this.list.replaceChildren();
    this.active = -1;
    this.box.removeAttribute("aria-activedescendant");
  }

  choose(index) {
    this.active = index;
    for (const [at, node] of [...this.list.children].entries()) node.setAttribute("aria-selected", String(at === index));
    if (index < 0) return this.box.removeAttribute("aria-activedescendant");
    this.box.setAttribute("aria-activedescendant", `completion-${index}`);
    this.list.children[index].scrollIntoView({ block: "nearest" });
  }

  accept(item) {
    const { text, caret } = complete(this.box.value, this.place, item);
    this.box.value = text;
    this.box.setSelectionRange(caret, caret);
    this.refresh();
  }

  key(event) {
    if (event.isComposing) return;
    if (this.open && this.openKey(event)) return event.preventDefault();
    if (event.key === "Escape" && this.edited) return this.cancelEdit();
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.submit();
    } else if (event.key === "ArrowUp" && !this.box.value && this.last()) {
      event.preventDefault();
      this.setLine(this.last());
    }
  }

  openKey({ key, shiftKey }) {
    const count = this.items.length;
    if (key === "Escape") this.close();
    else if (key === "ArrowDown") this.choose((this.active + 1) % count);
    else if (key === "ArrowUp") this.choose((this.active <= 0 ? count : this.active) - 1);
    else if (key === "Tab" && !shiftKey) this.accept(this.items[Math.max(this.active, 0)]);
    else if (key === "Enter" && !shiftKey && this.active >= 0) this.accept(this.items[this.active]);
    else return false;
    return true;
  }

  submit() {
    const line = this.box.value.trim();
    if (this.edited) return line && this.sendEdited(line);
    const command = commandOf(line, this.commands);
    const { pairs, spare, count } = this.attachments.matchOptions(command);
    if (!line && !pairs.length) return;
    if (spare && command) {
      const facts = { command: `/${command.name}`, count, name: spare.name };
      return this.refuse(count
        ? t("Too many files for {command}, which accepts {count}. Remove {name}.", facts)
        : t("{command} doesn't use files. Remove {name}.", facts));
    }
    this.box.value = "";
    this.send(line, spare ? [] : pairs, this.attachments.take());
    this.refresh();
  }

  sendEdited(text) {
    const { send } = this.edited;
    this.cancelEdit();
    send(text);
  }
}
