// The page's texts: English where they are used, with their Spanish translations here. Answers come translated from the server.

const SPANISH = {
  "Attach files": "Adjuntar archivos",
  "Attached files": "Archivos adjuntos",
  "Can't reach Atelier. Check that it's running, then try again.":
    "No se puede conectar con Atelier. Comprueba que está en marcha e inténtalo otra vez.",
  "Cancelling…": "Cancelando…",
  "Clear this conversation? Your pictures stay on the server, but you won't be able to reach them from here.":
    "¿Vaciar esta conversación? Tus imágenes siguen en el servidor, pero no podrás abrirlas desde aquí.",
  "Clear": "Vaciar",
  "Close": "Cerrar",
  "Connection lost. Reconnecting…": "Se perdió la conexión. Reconectando…",
  "Conversation": "Conversación",
  "Describe a picture, or type / to see everything you can do. You can drop or paste photos, audio and video.":
    "Describe una imagen, o escribe / para ver todo lo que puedes hacer. Puedes soltar o pegar fotos, audio y vídeo.",
  "Describe a picture… (type / for more)": "Describe una imagen… (escribe / para ver más)",
  "Done.": "Hecho.",
  "Download {number}": "Descargar {number}",
  "Download": "Descargar",
  "Drop files here": "Suelta los archivos aquí",
  "Edit it, then press Enter to send (Esc to cancel).": "Edítalo y pulsa Intro para enviarlo (Esc para cancelar).",
  "Edit": "Editar",
  "Enlarge picture {number} of {count}: {alt}": "Ampliar la imagen {number} de {count}: {alt}",
  "Enlarged picture": "Imagen ampliada",
  "Enter the token from the studio's owner. This browser will remember it.":
    "Escribe el token que te dio el dueño del estudio. Este navegador lo recordará.",
  "Message": "Mensaje",
  "New message": "Mensaje nuevo",
  "Next": "Siguiente",
  "Preview": "Vista previa",
  "Previous": "Anterior",
  "Remove {name}": "Quitar {name}",
  "Send": "Enviar",
  "Sending…": "Enviando…",
  "Sign in": "Iniciar sesión",
  "Skip to the message box": "Ir al cuadro de mensaje",
  "Suggestions": "Sugerencias",
  "This picture is no longer available.": "Esta imagen ya no está disponible.",
  "This result is no longer available.": "Este resultado ya no está disponible.",
  "Token": "Token",
  "Too many files for {command}, which accepts {count}. Remove {name}.":
    "Demasiados archivos para {command}, que admite {count}. Quita {name}.",
  "Type it, then press Enter to send (Esc to cancel).": "Escríbelo y pulsa Intro para enviarlo (Esc para cancelar).",
  "Use as input": "Usar como entrada",
  "What would you like to make?": "¿Qué quieres crear?",
  "{command} doesn't use files. Remove {name}.": "{command} no usa archivos. Quita {name}.",
  "{name} is {size}; the limit is {bound}. Choose a smaller file.":
    "{name} ocupa {size} y el límite es {bound}. Elige un archivo más pequeño.",
  "{option} is required": "{option} es obligatorio",
  "{percent} percent": "{percent} por ciento",
};

let language = "en";

// Returns the page's language for a language tag: "es" for every Spanish one, otherwise "en".
export const supportedLanguage = (tag) => (tag || "").toLowerCase().startsWith("es") ? "es" : "en";

// Translates the texts of the document, which stand in its data-t attributes.
export function setLanguage(tag) {
  language = supportedLanguage(tag);
  document.documentElement.lang = language;
  for (const node of document.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const node of document.querySelectorAll("[data-t-label]")) node.setAttribute("aria-label", t(node.dataset.tLabel));
  for (const node of document.querySelectorAll("[data-t-placeholder]")) node.placeholder = t(node.dataset.tPlaceholder);
}

// Returns the template in the page's language, with its {names} filled in.
export function t(template, facts = {}) {
  const text = language === "es" ? SPANISH[template] ?? template : template;
  return text.replace(/\{(\w+)\}/g, (_, name) => facts[name]);
}

// Returns a fraction of 0 to 1 as a percentage, such as "45%" or, in Spanish, "45 %".
export function formatPercent(fraction) {
  return new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 0 }).format(fraction);
}

// Returns a number with that many decimal places, with the language's separators.
export function formatNumber(number, places) {
  return new Intl.NumberFormat(language, { minimumFractionDigits: places, maximumFractionDigits: places }).format(number);
}
