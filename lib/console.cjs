// Made from src/redact by `npm run lib`; changes here are lost.
var __defProp = Object.defineProperty;
var __getOwnPropNames = Object.getOwnPropertyNames;
var __getOwnPropDesc = Object.getOwnPropertyDescriptor;
var __hasOwnProp = Object.prototype.hasOwnProperty;
function __accessProp(key) {
  return this[key];
}
var __toCommonJS = (from) => {
  var entry = (__moduleCache ??= new WeakMap).get(from), desc;
  if (entry)
    return entry;
  entry = __defProp({}, "__esModule", { value: true });
  if (from && typeof from === "object" || typeof from === "function") {
    for (var key of __getOwnPropNames(from))
      if (!__hasOwnProp.call(entry, key))
        __defProp(entry, key, {
          get: __accessProp.bind(from, key),
          enumerable: !(desc = __getOwnPropDesc(from, key)) || desc.enumerable
        });
  }
  __moduleCache.set(from, entry);
  return entry;
};
var __moduleCache;
var __returnValue = (v) => v;
function __exportSetter(name, newValue) {
  this[name] = __returnValue.bind(null, newValue);
}
var __export = (target, all) => {
  for (var name in all)
    __defProp(target, name, {
      get: all[name],
      enumerable: true,
      configurable: true,
      set: __exportSetter.bind(all, name)
    });
};

// src/redact/console.ts
var exports_console = {};
__export(exports_console, {
  wrapConsole: () => wrapConsole
});
module.exports = __toCommonJS(exports_console);
var import_node_util = require("node:util");
var import_redact = require("./redact.cjs");
var PLAIN = [
  "log",
  "info",
  "debug",
  "warn",
  "error",
  "trace",
  "dirxml",
  "group",
  "groupCollapsed"
];
var ON_STDERR = new Set(["warn", "error", "trace", "assert"]);
var LABELLED = ["time", "timeEnd", "timeLog", "count", "countReset"];
function wrapConsole(target = console, options = {}) {
  const text = new SafeText(options);
  const methods = target;
  const undo = [];
  let active = true;
  const wrap = (name, make) => {
    const own = methods[name];
    if (typeof own !== "function")
      return;
    const descriptor = Object.getOwnPropertyDescriptor(methods, name);
    const safe = make((...args) => own.apply(target, args));
    const ours = (...args) => active ? safe(...args) : own.apply(target, args);
    methods[name] = ours;
    undo.push(() => {
      if (methods[name] !== ours)
        return;
      if (descriptor)
        Object.defineProperty(methods, name, descriptor);
      else
        delete methods[name];
    });
  };
  const colors = (name) => target === console && isInColor(ON_STDERR.has(name));
  for (const name of PLAIN) {
    wrap(name, (own) => (...args) => args.length === 0 ? own() : own(text.of(args, colors(name))));
  }
  wrap("assert", (own) => (condition, ...args) => {
    if (condition)
      return;
    if (args.length === 0)
      own(false);
    else
      own(false, text.of(args, colors("assert")));
  });
  for (const name of LABELLED) {
    wrap(name, (own) => (...args) => {
      const [label, ...rest] = args;
      if (args.length === 0)
        own();
      else if (rest.length === 0)
        own(text.ofString(String(label)));
      else
        own(text.ofString(String(label)), text.of(rest, false));
    });
  }
  wrapWhole(wrap, methods["log"]?.bind(target), text);
  return () => {
    active = false;
    for (const one of undo)
      one();
  };
}
function wrapWhole(wrap, log, text) {
  wrap("dir", (own) => (value, how) => {
    (log ?? own)(text.inspected(value, { customInspect: false, ...how }).safe);
  });
  wrap("table", (own) => (value, ...rest) => {
    const { safe, clean } = text.inspected(value, { depth: 4, maxArrayLength: null });
    if (clean)
      own(value, ...rest);
    else
      (log ?? own)(safe);
  });
}
function isInColor(stderr) {
  const stream = stderr ? process.stderr : process.stdout;
  return stream.isTTY && stream.getColorDepth() > 2;
}
var HEX_BYTES = /<(?:Buffer )?([0-9a-f]{2}(?: [0-9a-f]{2}){7,})/g;
var COLOR = String.raw`${String.fromCharCode(27)}\[\d+m`;
var COLORS = new RegExp(COLOR, "g");
var NUMBERS = new RegExp(String.raw`\b(?:Buffer|U?[Ii]nt8(?:Clamped)?Array)\(\d+\) \[((?:[\s\d,]|${COLOR})+)`, "g");
var CANNOT_BE_PRINTED = "[what cannot be printed]";

class SafeText {
  #redactor;
  #ofBytes;
  #mark;
  constructor(options) {
    this.#redactor = import_redact.createRedactor(options);
    this.#ofBytes = import_redact.createRedactor({ ...options, wide: true });
    this.#mark = options.mark ?? import_redact.markOf;
  }
  of(args, colors) {
    return this.ofString(orNothing(() => import_node_util.formatWithOptions({ colors }, ...args)));
  }
  inspected(value, how) {
    const text = orNothing(() => import_node_util.inspect(value, how));
    const safe = this.ofString(text);
    return { safe, clean: safe === text };
  }
  ofString(text) {
    const printed = text.replaceAll(HEX_BYTES, (whole, hex) => {
      const rule = this.#ruleIn(hex.split(" ").map((byte) => Number.parseInt(byte, 16)));
      return rule === null ? whole : `<${this.#mark(rule)}`;
    });
    const counted = printed.replaceAll(NUMBERS, (whole, numbers) => {
      const bytes = numbers.replaceAll(COLORS, "").split(",");
      const rule = this.#ruleIn(bytes.map((byte) => Number(byte) & 255));
      return rule === null ? whole : whole.slice(0, whole.indexOf("[") + 1) + this.#mark(rule);
    });
    return this.#redactor.push(counted) + this.#redactor.end();
  }
  #ruleIn(bytes) {
    const before = new Map(this.#ofBytes.found);
    this.#ofBytes.push(String.fromCharCode(...bytes));
    this.#ofBytes.end();
    for (const [rule, count] of this.#ofBytes.found)
      if (count !== before.get(rule))
        return rule;
    return null;
  }
}
function orNothing(print) {
  try {
    return print();
  } catch {
    return CANNOT_BE_PRINTED;
  }
}
