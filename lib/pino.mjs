// Made from src/redact by `npm run lib`; changes here are lost.
// src/redact/pino.ts
import { close, mkdirSync, openSync, write } from "node:fs";
import { dirname } from "node:path";
import { Transform, Writable } from "node:stream";
import { createByteRedactor, createRedactor } from "./redact.mjs";
function transport(options = {}) {
  const { destination = 1, append = true, mkdir = false, pipeline = false, ...rest } = options;
  const redactor = createByteRedactor(rest);
  if (pipeline)
    return new Passing(redactor);
  if (typeof destination === "number")
    return new Ending(redactor, destination, false);
  if (mkdir)
    mkdirSync(dirname(destination), { recursive: true });
  return new Ending(redactor, openSync(destination, append ? "a" : "w", 438), true);
}
function streamWrite(options = {}) {
  const redactor = createRedactor(options);
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

class Passing extends Transform {
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

class Ending extends Writable {
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
      close(this.#file, (failed) => done(error ?? failed));
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
    write(this.#file, bytes, 0, bytes.length, null, (error, count) => {
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
export {
  redactingStream,
  streamWrite,
  transport
};
export { transport as default };
