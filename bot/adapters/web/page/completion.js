// Suggests what can stand at the caret, from the commands that the server declares. Pure functions of text and caret.

// Returns the command of a line, or the default command if the line names none.
export function commandOf(text, commands) {
  const named = /^\s*\/([^\s@]*)/.exec(text);
  return commands.find((command) => named ? command.name === named[1].toLowerCase() : command.default);
}

// Returns {start, end, items: [{value, label, description}], option}; `option` is the one whose value is being typed.
export function suggest(text, caret, commands) {
  const before = text.slice(0, caret);
  const word = /\S*$/.exec(before)[0];
  const start = caret - word.length;
  const place = { start, end: caret, items: [], option: null };
  if (/^\s*\/\S*$/.test(before)) return { ...place, items: commandItems(word.slice(1), commands) };
  const command = commandOf(text, commands);
  if (!command) return place;
  if (word.startsWith("--")) return { ...place, items: optionItems(word.slice(2), text, command) };
  const option = optionAt(before.slice(0, start), command);
  return { ...place, option, items: valueItems(word, option) };
}

// Returns the text with `item` inserted, and the caret's position after it.
export function complete(text, { start, end }, item) {
  const rest = text.slice(end);
  const gap = rest.startsWith(" ") ? "" : " ";
  return { text: text.slice(0, start) + item.value + gap + rest, caret: start + item.value.length + 1 };
}

// Returns the options of a command for the hint line: [{text, current, required}].
export function usage(command, option) {
  return command.options.map((each) => ({ text: optionSyntax(each), current: each === option, required: each.required }));
}

// Returns an option's description with a number's bounds, such as "How many pictures · 1 – 4".
export function describeOption(option) {
  const isBounded = isNumber(option) && option.minimum !== null && option.maximum !== null;
  return isBounded ? `${option.description} · ${option.minimum} – ${option.maximum}` : option.description;
}

const isNumber = (option) => option.kind === "integer" || option.kind === "number";

function optionSyntax(option) {
  if (option.kind === "media") return `[${option.name}]`;
  if (option.rest) return `${option.name}…`;
  if (option.positional) return option.choices.length ? option.choices.join("|") : option.name;
  return option.choices.length ? `--${option.name} ${option.choices.join("|")}` : `--${option.name}`;
}

function commandItems(prefix, commands) {
  return commands
    .filter((command) => command.name.startsWith(prefix.toLowerCase()))
    .map((command) => ({ value: `/${command.name}`, label: `/${command.name}`, description: command.description }));
}

function optionItems(prefix, text, command) {
  return command.options
    .filter((option) => option.kind !== "media" && !option.rest && option.name.startsWith(prefix.toLowerCase()))
    .filter((option) => option.name === prefix || !new RegExp(`--${option.name}(\\s|=|$)`).test(text))
    .map((option) => ({
      value: `--${option.name}`,
      label: `--${option.name}`,
      description: describeOption(option),
    }));
}

function optionAt(before, command) {
  const words = before.trim().split(/\s+/).filter((word, index) => word && !(index === 0 && word.startsWith("/")));
  const last = words.at(-1) ?? "";
  const named = last.startsWith("--") && command.options.find((option) => option.name === last.slice(2));
  if (named && named.kind !== "flag") return named;
  const positionalCount = words.filter((word, index) => !word.startsWith("--") && !takesValue(words[index - 1], command)).length;
  return command.options.filter((option) => option.positional)[positionalCount] ?? command.options.find((option) => option.rest) ?? null;
}

const takesValue = (word, command) =>
  (word ?? "").startsWith("--") && command.options.some((option) => option.name === word.slice(2) && option.kind !== "flag");

function valueItems(prefix, option) {
  return (option?.choices ?? [])
    .map(String)
    .filter((choice) => choice.startsWith(prefix))
    .map((choice) => ({ value: choice, label: choice, description: "" }));
}
