// Creates elements. Every text is inserted as text, so nothing that a person or a model wrote becomes HTML.

import { formatNumber } from "./i18n.js";

export const find = (id) => document.getElementById(id);

export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) setAttribute(node, name, value);
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return node;
}

function setAttribute(node, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
  else if (name in node && typeof value !== "string") node[name] = value;
  else node.setAttribute(name, value === true ? "" : value);
}

// Returns a thumbnail, which is replaced by `instead` if the file is not a picture.
export function thumbnail(url, alt, instead) {
  const image = el("img", { src: url, alt, onerror: () => image.replaceWith(instead) });
  return image;
}

const SVG = "http://www.w3.org/2000/svg";

const PATHS = {
  attach: "M20.5 11.5 12 20a5.2 5.2 0 0 1-7.4-7.4l8.9-8.9a3.5 3.5 0 0 1 5 5l-8.9 8.8a1.7 1.7 0 0 1-2.4-2.4l8-8",
  send: "M12 20V5M5.5 11.5 12 5l6.5 6.5",
  close: "M6 6l12 12M18 6 6 18",
  download: "M12 4v11M7 10.5l5 5 5-5M5 20h14",
  left: "M14.5 5.5 8 12l6.5 6.5",
  right: "M9.5 5.5 16 12l-6.5 6.5",
  again: "M19.5 12a7.5 7.5 0 1 1-2.3-5.4M19.5 3.5v4.2h-4.2",
  delete: "M5 7h14M10 4h4M7 7l.8 12.5h8.4L17 7M10.5 10.5v6M13.5 10.5v6",
  spark: "M12 3.5l1.9 5.6 5.6 1.9-5.6 1.9L12 18.5l-1.9-5.6L4.5 11l5.6-1.9z",
  edit: "M5 19l.8-3.7L16.2 4.9a1.6 1.6 0 0 1 2.3 0l.6.6a1.6 1.6 0 0 1 0 2.3L8.7 18.2 5 19",
  file: "M7 3.5h7l4.5 4.5v12.5h-11.5zM14 3.5v4.5h4.5",
};

// Returns the icon of this name, or a spark for names without their own.
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "glyph");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name] ?? PATHS.spark);
  svg.append(path);
  return svg;
}

// Returns a size with its unit, such as "1.2 MB" or, in Spanish, "1,2 MB" (1 MB is 1,000,000 bytes).
export function formatBytes(bytes) {
  const units = ["B", "KB", "MB", "GB"];
  const step = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(bytes, 1)) / 3));
  const size = bytes / 1000 ** step;
  return `${formatNumber(size, step && size < 10 ? 1 : 0)} ${units[step]}`;
}
