// The message box: completion while typing, the hint below, Enter to send, arrow up for the last line again.

import { Attachments } from "./attachments.js";
import { commandOf, complete, explained, suggest, usage } from "./completion.js";
import { el, find, icon } from "./dom.js";
import { t } from "./words.js";

export class Composer {
  // `send(line, pairs, entries)` sends; `refuse(sentence)` says why not; `last()` is the line that was sent before.
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
    this.box.addEventListener("keyup", (event) => event.key.startsWith("Arrow") && !this.open && this.hint());
    this.box.addEventListener("blur", () => this.close());
    this.refresh();
  }

  get open() {
    return !this.list.hidden;
  }

  // `send(text)` gets what the person makes of `text`; Escape leaves it.
  edit(text, { label, about }, send) {
    this.put(text);
    this.edited = { label, about, how: text ? t("Change it and send it. Escape leaves it.") : t("Write it and send it. Escape leaves it."), send };
    this.refresh();
  }

  leave() {
    this.edited = null;
    this.box.value = "";
    this.refresh();
  }

  put(line) {
    this.edited = null;
    this.box.value = line;
    this.box.focus();
    this.box.setSelectionRange(line.length, line.length);
    this.refresh();
  }

  refresh() {
    this.grow();
    if (this.edited) {
      this.close();
      const { label, about, how } = this.edited;
      return find("hint").replaceChildren(el("b", {}, label), el("em", {}, [about, how].filter(Boolean).join(". ")));
    }
    const command = commandOf(this.box.value, this.commands);
    this.attachments?.show(this.box.value.trim() ? command : null);
    this.place = suggest(this.box.value, this.box.selectionStart, this.commands);
    this.hint();
    const typed = this.box.value.slice(this.place.start, this.place.end);
    const news = this.place.items.filter((item) => item.value !== typed);
    if (!news.length || document.activeElement !== this.box || !this.wanted(typed)) return this.close();
    this.showItems(news, typed ? 0 : -1);
  }

  // Choices are offered before a letter is typed; commands and options only after "/" and "--".
  wanted(typed) {
    return typed !== "" || (this.place.option !== null && !this.place.option.rest && !this.place.option.positional)
      || (this.place.option?.positional && this.place.option.choices.length > 0);
  }

  grow() {
    this.box.style.height = "auto";
    this.box.style.height = `${this.box.scrollHeight}px`;
  }

  hint() {
    if (this.edited) return;
    const place = suggest(this.box.value, this.box.selectionStart, this.commands);
    const command = this.box.value.trim() ? commandOf(this.box.value, this.commands) : null;
    const hint = find("hint");
    if (!command) return hint.replaceChildren();
    const words = usage(command, place.option).map((each) =>
      el("span", { class: each.current ? "current" : null, title: each.required ? t("{option} is required", { option: each.text }) : null },
        each.text));
    const about = place.option ? explained(place.option) : command.description;
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
    if (event.key === "Escape" && this.edited) return this.leave();
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.submit();
    } else if (event.key === "ArrowUp" && !this.box.value && this.last()) {
      event.preventDefault();
      this.put(this.last());
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
    const { pairs, spare, count } = this.attachments.matched(command);
    if (!line && !pairs.length) return;
    if (spare && command) {
      return this.refuse(t("{command} takes no more files than {count}; “{name}” has no place. Remove it.",
        { command: `/${command.name}`, count, name: spare.name }));
    }
    this.box.value = "";
    this.send(line, spare ? [] : pairs, this.attachments.take());
    this.refresh();
  }

  sendEdited(text) {
    const { send } = this.edited;
    this.leave();
    send(text);
  }
}
