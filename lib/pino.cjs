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

// src/redact/pino.ts
var exports_pino = {};
__export(exports_pino, {
  redactingStream: () => redactingStream,
  streamWrite: () => streamWrite,
  transport: () => transport
});
module.exports = __toCommonJS(exports_pino);
var import_node_fs = require("node:fs");
var import_node_path = require("node:path");
var import_node_stream = require("node:stream");
var import_redact = require("./redact.cjs");
function transport(options = {}) {
  const { destination = 1, append = true, mkdir = false, pipeline = false, ...rest } = options;
  const redactor = import_redact.createByteRedactor(rest);
  if (pipeline)
    return new Passing(redactor);
  if (typeof destination === "number")
    return new Ending(redactor, destination, false);
  if (mkdir)
    import_node_fs.mkdirSync(import_node_path.dirname(destination), { recursive: true });
  return new Ending(redactor, import_node_fs.openSync(destination, append ? "a" : "w", 438), true);
}
function streamWrite(options = {}) {
  const redactor = import_redact.createRedactor(options);
  return (line) => redactor.push(line) + redactor.end();
}
function redactingStream(destination, options = {}) {
  const safe = streamWrite(options);
  return new Proxy(destination, {
    get: (target, name) => {
      if (name === "write")
        return (line) => target.write(safe(line));
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    }
  });
}
function next(redactor, chunk) {
  const safe = redactor.push(chunk);
  const end = redactor.release();
  return end.length === 0 ? safe : Buffer.concat([safe, end]);
}

class Passing extends import_node_stream.Transform {
  #redactor;
  constructor(redactor) {
    super();
    this.#redactor = redactor;
  }
  _transform(chunk, _encoding, done) {
    this.push(next(this.#redactor, chunk));
    done();
  }
  _flush(done) {
    this.push(this.#redactor.end());
    done();
  }
}
var BUSY_MS = 5;

class Ending extends import_node_stream.Writable {
  #redactor;
  #file;
  #closes;
  #gone = false;
  constructor(redactor, file, closes) {
    super({ decodeStrings: true });
    this.#redactor = redactor;
    this.#file = file;
    this.#closes = closes;
  }
  _write(chunk, _encoding, done) {
    this.#put(next(this.#redactor, chunk), done);
  }
  _final(done) {
    this.#put(this.#redactor.end(), done);
  }
  _destroy(error, done) {
    if (this.#closes)
      import_node_fs.close(this.#file, (failed) => done(error ?? failed));
    else
      done(error);
  }
  #drop(done) {
    this.#gone = true;
    done();
  }
  #put(bytes, done) {
    if (bytes.length === 0 || this.#gone) {
      done();
      return;
    }
    import_node_fs.write(this.#file, bytes, 0, bytes.length, null, (error, count) => {
      if (error?.code === "EAGAIN")
        setTimeout(() => this.#put(bytes, done), BUSY_MS);
      else if (error?.code === "EPIPE")
        this.#drop(done);
      else if (error)
        done(error);
      else
        this.#put(bytes.subarray(count), done);
    });
  }
}
module.exports = Object.assign(transport, { default: transport, transport, streamWrite, redactingStream });
