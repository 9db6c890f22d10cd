// The files of the next message: picked, dropped or pasted, each matched with an option of the command.

import { el, find, icon, formatBytes, thumbnail } from "./dom.js";
import { t } from "./i18n.js";

export class Attachments {
  // `changed()` is called when the files change, `refuse(message)` when a file is larger than `bound` bytes.
  constructor(bound, changed, refuse) {
    this.files = [];
    this.bound = bound;
    this.changed = changed;
    this.refuse = refuse;
    this.listen();
  }

  listen() {
    find("attach").append(icon("attach"));
    find("attach").addEventListener("click", () => find("picker").click());
    find("picker").addEventListener("change", (event) => {
      this.add(event.target.files);
      event.target.value = "";
    });
    find("line").addEventListener("paste", (event) => {
      if (!event.clipboardData.files.length) return;
      event.preventDefault();
      this.add(event.clipboardData.files);
    });
    listenForDrops((files) => this.add(files));
  }

  add(files) {
    const large = [...files].find((file) => file.size > this.bound);
    for (const file of files) {
      if (file.size > this.bound) continue;
      this.files.push({ file, url: file.type.startsWith("image/") ? URL.createObjectURL(file) : null });
    }
    this.changed();
    if (large) this.refuse(t("{name} is {size}; the limit is {bound}. Choose a smaller file.",
      { name: large.name, size: formatBytes(large.size), bound: formatBytes(this.bound) }));
  }

  // Replaces the attached files with these.
  replace(files) {
    for (const entry of this.files) if (entry.url) URL.revokeObjectURL(entry.url);
    this.files = [];
    this.add(files);
  }

  // Removes and returns the files. The caller revokes their `url` when it no longer needs them.
  take() {
    const taken = this.files;
    this.files = [];
    this.changed();
    return taken;
  }

  remove(entry) {
    if (entry.url) URL.revokeObjectURL(entry.url);
    this.files = this.files.filter((each) => each !== entry);
    this.changed();
    find("line").focus();
  }

  // Returns `pairs` of [option, File], where each file has the first free option that accepts its kind; `spare`, the first
  // file without an option; and `count`, the number of files that the command accepts.
  matchOptions(command) {
    const options = (command?.options ?? []).filter((option) => option.kind === "media");
    const free = [...options];
    const pairs = this.files.map((entry) => [takeOption(free, kindOf(entry.file))?.name, entry.file]);
    return { pairs, spare: pairs.find(([option]) => option === undefined)?.[1] ?? null, count: options.length };
  }

  show(command) {
    const { pairs } = this.matchOptions(command);
    const list = find("files");
    list.hidden = !this.files.length;
    list.replaceChildren(...this.files.map((entry, index) => this.chip(entry, pairs[index][0], command)));
  }

  chip(entry, option, command) {
    const { file, url } = entry;
    return el("li", { class: option || !command ? "file" : "file spare" },
      url ? thumbnail(url, "", icon("file")) : icon("file"),
      el("span", { class: "name" }, file.name),
      el("span", { class: "soft" }, option ? `${option} · ${formatBytes(file.size)}` : formatBytes(file.size)),
      el("button", { type: "button", class: "icon small", "aria-label": t("Remove {name}", { name: file.name }),
        onclick: () => this.remove(entry) }, icon("close")));
  }
}

function takeOption(free, kind) {
  const index = free.findIndex((option) => !kind || !option.accepts.length || option.accepts.includes(kind));
  return free.splice(Math.max(index, 0), 1)[0];
}

function kindOf(file) {
  if (/\.(srt|vtt)$/i.test(file.name)) return "subtitles";
  if (/\.(txt|md|toml|fountain)$/i.test(file.name)) return "script";
  const kind = file.type.split("/")[0];
  return kind === "audio" ? "sound" : kind;
}

function listenForDrops(add) {
  const overlay = find("drop");
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    overlay.hidden = false;
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) overlay.hidden = true;
  });
  addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    overlay.hidden = true;
    add(event.dataTransfer.files);
  });
}
