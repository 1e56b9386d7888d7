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

// src/redact/redact.ts
var exports_redact = {};
__export(exports_redact, {
  MOST_HELD: () => MOST_HELD,
  createByteRedactor: () => createByteRedactor,
  createRedactor: () => createRedactor,
  markOf: () => markOf,
  redactText: () => redactText
});
module.exports = __toCommonJS(exports_redact);

// src/redact/codes.ts
function codeOf(unit) {
  return unit < 128 ? unit : 192 | unit & 63;
}
function codesOf(text) {
  return Uint8Array.from({ length: text.length }, (_, at) => codeOf(text.charCodeAt(at)));
}
function utf8(text) {
  const bytes = [];
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code < 128)
      bytes.push(code);
    else if (code < 2048)
      bytes.push(192 | code >> 6, 128 | code & 63);
    else if (code < 65536)
      bytes.push(224 | code >> 12, 128 | code >> 6 & 63, 128 | code & 63);
    else {
      const low = [128 | code >> 12 & 63, 128 | code >> 6 & 63, 128 | code & 63];
      bytes.push(240 | code >> 18, ...low);
    }
  }
  return Uint8Array.from(bytes);
}

// src/detect/bytes.ts
var ALPHABETS = {
  key: { bit: 1, size: 64, pattern: "[A-Za-z0-9_-]" },
  alnum: { bit: 2, size: 62, pattern: "[A-Za-z0-9]" },
  hex: { bit: 4, size: 16, pattern: "[0-9a-f]" },
  lowerAlnum: { bit: 8, size: 36, pattern: "[a-z0-9]" },
  base32: { bit: 16, size: 32, pattern: "[A-Z2-7]" },
  lowerBase32: { bit: 128, size: 32, pattern: "[a-z2-7]" },
  base64: { bit: 32, size: 64, pattern: "[A-Za-z0-9+/=]" },
  value: { bit: 256, size: 67, pattern: "[A-Za-z0-9_.~+/=-]" },
  upperAlnum: { bit: 64, size: 36, pattern: "[A-Z0-9]" }
};
var ASCII = String.fromCharCode(...Array.from({ length: 128 }, (_, byte) => byte));
var CLASS = new Uint16Array(256);
for (const { bit, pattern } of Object.values(ALPHABETS)) {
  for (const member of ASCII.match(new RegExp(pattern, "g")) ?? []) {
    const byte = member.charCodeAt(0);
    CLASS[byte] = (CLASS[byte] ?? 0) | bit;
  }
}
function isAt(bytes, at, bit) {
  return ((CLASS[bytes[at] ?? 128] ?? 0) & bit) !== 0;
}
function standsAt(bytes, at, text) {
  for (let index = 0;index < text.length; index += 1) {
    if (bytes[at + index] !== text.charCodeAt(index))
      return false;
  }
  return true;
}
var HAS_BUFFER = typeof Buffer === "function";
function indexOfText(bytes, text, from, to) {
  if (from >= to)
    return -1;
  if (!HAS_BUFFER)
    return plainIndexOf(bytes, text, from, to);
  const at = Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).indexOf(text, 0, "latin1");
  return at < 0 ? -1 : from + at;
}
function plainIndexOf(bytes, text, from, to) {
  const first = text.charCodeAt(0);
  const last = Math.min(to, bytes.length) - text.length;
  for (let at = bytes.indexOf(first, from);at >= 0 && at <= last; at = bytes.indexOf(first, at + 1)) {
    if (standsAt(bytes, at, text))
      return at;
  }
  return -1;
}
var SLICE = 4096;
function latin1(bytes, from, to) {
  const end = Math.min(to, bytes.length);
  if (HAS_BUFFER) {
    return Buffer.from(bytes.buffer, bytes.byteOffset + from, Math.max(0, end - from)).toString("latin1");
  }
  let text = "";
  for (let at = from;at < end; at += SLICE) {
    text += String.fromCharCode(...bytes.subarray(at, Math.min(end, at + SLICE)));
  }
  return text;
}
var SEXTETS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
function fromBase64Url(text) {
  if (HAS_BUFFER)
    return Buffer.from(text, "base64url").toString("latin1");
  let bits = 0;
  let count = 0;
  let decoded = "";
  for (const character of text) {
    const sextet = SEXTETS.indexOf(character);
    if (sextet < 0)
      continue;
    bits = (bits << 6 | sextet) & 65535;
    count += 6;
    if (count < 8)
      continue;
    count -= 8;
    decoded += String.fromCharCode(bits >> count & 255);
  }
  return decoded;
}

// src/detect/lifelike.ts
function isLifelike(bytes, from, to, alphabetSize) {
  return distinct(bytes, from, to) >= leastDistinct(alphabetSize, to - from) && !isSequence(bytes, from, to) && !isRepetition(bytes, from, to) && !isTyped(latin1(bytes, from, to));
}
function leastDistinct(alphabetSize, length) {
  return Math.floor(0.5 * alphabetSize * (1 - (1 - 1 / alphabetSize) ** length));
}
var SEEN = new Uint32Array(256);
var counts = 0;
function distinct(bytes, from, to) {
  counts = counts === 4294967295 ? 1 : counts + 1;
  let count = 0;
  for (let at = from;at < to; at += 1) {
    const byte = bytes[at];
    if (SEEN[byte] === counts)
      continue;
    SEEN[byte] = counts;
    count += 1;
  }
  return count;
}
function isSequence(bytes, from, to) {
  let steps = 0;
  for (let at = from + 1;at < to; at += 1) {
    if (Math.abs((bytes[at] ?? 0) - (bytes[at - 1] ?? 0)) <= 1)
      steps += 1;
  }
  return steps * 5 > (to - from) * 3;
}
var LONGEST_PERIOD = 20;
function isRepetition(bytes, from, to) {
  const length = to - from;
  for (let period = 1;period <= LONGEST_PERIOD && period * 2 <= length; period += 1) {
    const mostDifferent = Math.floor((length - period) / 5);
    let different = 0;
    for (let at = from + period;at < to && different <= mostDifferent; at += 1) {
      if (bytes[at] !== bytes[at - period])
        different += 1;
    }
    if (different <= mostDifferent)
      return true;
  }
  return false;
}
var WORDS = new Set(("a abc abcd abcdef account actual add admin an anthropic any api app aws bar baz bot change changeme chat client code commit " + "config demo dev do dont dummy edit enter env example examples fake fill fixture foo from gcp gemini generated get go google groq " + "hash here hidden hub hugging huggingface in input insert invalid is it key keys like local long looks made me mistral mock model my " + "name never new no not of only openai openrouter or org paste placeholder please prod production project put random real redacted " + "replace sallyport sample secret secrets serviceaccount set some something staging string super team template test testing text the " + "this to todo token tokens up url use user username valid value very with xai xxx you your").split(" "));
var TOKEN = /[A-Z]?[a-z]+|[A-Z]+|\d+/g;
var SEQUENCES = "abcdefghijklmnopqrstuvwxyz 01234567890123456789 9876543210 qwertyuiop asdfghjkl zxcvbnm";
function isTyped(text) {
  let all = 0;
  let made = 0;
  for (const [token] of text.matchAll(TOKEN)) {
    const word = token.toLowerCase();
    all += word.length;
    const typed = word.length >= 3 && (SEQUENCES.includes(word) || word === word.charAt(0).repeat(word.length));
    if (typed || WORDS.has(word))
      made += word.length;
  }
  return made * 2 >= all;
}
var SCRAMBLED = { vowelsOfWords: 0.38, weightOfVowels: 0.8, least: 0.17 };
function isScrambled(bytes, from, to) {
  const { disorder, cases } = disorderOf(bytes, from, to);
  return cases === 2 && disorder >= SCRAMBLED.least;
}
var LEAST_OF_VALUES = 0.06;
var LEAST_OF_UNSURE = 0.15;
function isName(bytes, from, to, behind) {
  const { disorder, outOfPlace } = disorderOf(bytes, from, to);
  if (outOfPlace === 0)
    return true;
  if (behind === "telling")
    return false;
  return disorder < (behind === "short" ? LEAST_OF_VALUES : LEAST_OF_UNSURE);
}
function disorderOf(bytes, from, to) {
  let outOfPlace = 0;
  let vowels = 0;
  const counts = [0, 0, 0, 0];
  let before = Kind.other;
  for (let at = from;at < to; at += 1) {
    const byte = bytes[at];
    const kind = KINDS[byte];
    counts[kind & 3] = counts[kind & 3] + 1;
    if ((kind & VOWEL) !== 0)
      vowels += 1;
    if (at > from && isOutOfPlace(before, kind & 3))
      outOfPlace += 1;
    before = kind & 3;
  }
  const [, lower = 0, upper = 0] = counts;
  const share = vowels / Math.max(1, lower + upper);
  const fewVowels = Math.max(0, SCRAMBLED.weightOfVowels * (SCRAMBLED.vowelsOfWords - share));
  return {
    outOfPlace,
    disorder: outOfPlace / (to - from) + fewVowels,
    cases: Math.min(1, lower) + Math.min(1, upper)
  };
}
var Kind = { other: 0, lower: 1, upper: 2, digit: 3 };
var VOWEL = 4;
var KINDS = new Uint8Array(256);
for (const letter of "abcdefghijklmnopqrstuvwxyz") {
  const vowel = "aeiou".includes(letter) ? VOWEL : 0;
  KINDS[letter.charCodeAt(0)] = Kind.lower | vowel;
  KINDS[letter.toUpperCase().charCodeAt(0)] = Kind.upper | vowel;
}
for (const digit of "0123456789")
  KINDS[digit.charCodeAt(0)] = Kind.digit;
function isOutOfPlace(before, kind) {
  if (before === Kind.digit)
    return kind !== Kind.digit;
  if (before === Kind.upper)
    return kind === Kind.upper || kind === Kind.digit;
  return kind === Kind.digit;
}

// src/core/base62.ts
var BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
function toBase62(value, width) {
  let text = "";
  for (let rest = value;rest > 0; rest = Math.floor(rest / 62))
    text = `${BASE62[rest % 62] ?? ""}${text}`;
  return text.padStart(width, "0");
}

// src/detect/checksum.ts
function isSallyportToken(value) {
  return /^sallyp_[a-z][0-9A-Za-z]{12}_[0-9A-Za-z]{38}$/.test(value) && withChecksum(value.slice(0, -6)) === value;
}
function withChecksum(body) {
  return `${body}${toBase62(crc32(body), 6)}`;
}
function crc32(text) {
  let crc = 4294967295;
  for (let at = 0;at < text.length; at += 1) {
    crc ^= text.charCodeAt(at);
    for (let bit = 0;bit < 8; bit += 1)
      crc = crc >>> 1 ^ (crc & 1 ? 3988292384 : 0);
  }
  return (crc ^ 4294967295) >>> 0;
}

// src/detect/rule.ts
function leastLength({ lead = "", prefixes, lengths, marker, loose }) {
  const bodies = lengths.map(([least]) => least);
  if (marker)
    bodies.push(marker.before[0] + marker.text.length + marker.behind[0]);
  if (loose)
    bodies.push(loose.least);
  return lead.length + Math.min(...prefixes.map((prefix) => prefix.length)) + Math.min(...bodies);
}
function exactly(...lengths) {
  return lengths.map((length) => [length, length]);
}

// src/detect/samples.ts
var DIGITS = "0123456789";
var LOWER = "abcdefghijklmnopqrstuvwxyz";
var UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
var CHARACTERS = {
  digit: DIGITS,
  hex: `${DIGITS}abcdef`,
  lowerAlnum: DIGITS + LOWER,
  upperAlnum: DIGITS + UPPER,
  alnum: DIGITS + LOWER + UPPER,
  lowerBase32: `${LOWER}234567`,
  base32: `${UPPER}234567`,
  base64: `${DIGITS}${LOWER}${UPPER}+/`,
  value: `${DIGITS}${LOWER}${UPPER}_.~+/=-`,
  key: `${DIGITS}${LOWER}${UPPER}_-`
};
function sample(alphabet, length, seed = 0) {
  const characters = CHARACTERS[alphabet];
  let state = seed * 2654435761 + 12345 >>> 0;
  let text = "";
  while (text.length < length) {
    state = Math.imul(state, 1664525) + 1013904223 >>> 0;
    text += characters[Math.floor(state / 2 ** 32 * characters.length)] ?? "";
  }
  return text;
}

// src/detect/rules-cloud.ts
function jwt(payload) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "HS256", typ: "JWT" })}.${part(payload)}.${sample("key", 43)}`;
}
var CLOUD_RULES = [
  {
    id: "aws-access-key-id",
    provider: "AWS",
    what: "access key id",
    severity: "high",
    revoke: "https://console.aws.amazon.com/iam/home#/security_credentials",
    shape: {
      by: "prefix",
      prefixes: ["AKIA", "ASIA", "ABIA", "ACCA"],
      alphabet: "base32",
      lengths: exactly(16),
      form: /^(?!.{9}EXAMPLE$)/
    },
    negative: () => [["AKIA", "IOSFODNN7EXAMPLE"].join(""), "AKIA_IS_THE_PREFIX_OF_AN_ID"]
  },
  {
    id: "aws-older-key-id",
    provider: "AWS",
    what: "access key id of an older kind",
    severity: "high",
    revoke: "https://console.aws.amazon.com/iam/home#/security_credentials",
    shape: {
      by: "prefix",
      prefixes: ["A3T"],
      alphabet: "upperAlnum",
      random: "base32",
      lengths: exactly(17),
      form: /^[A-Z0-9][A-Z2-7]{16}$/
    },
    positive: () => [`A3TX${sample("base32", 16)}`]
  },
  {
    id: "azure-client-secret",
    provider: "Azure",
    what: "client secret of an application",
    severity: "critical",
    revoke: "https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps/ApplicationsListBlade",
    shape: { by: "azure-secret" },
    positive: () => [`${sample("alnum", 3)}8Q~${sample("key", 34)}`],
    negative: () => [`abc8Q~${"x".repeat(34)}`, `abcxQ~${sample("key", 34)}`, `8Q~${sample("key", 20)}`]
  },
  {
    id: "aws-bedrock-api-key",
    provider: "AWS Bedrock",
    what: "API key",
    severity: "critical",
    revoke: "https://console.aws.amazon.com/bedrock/home#/api-keys",
    shape: { by: "prefix", prefixes: ["ABSK"], alphabet: "base64", lengths: [[109, 269]] }
  },
  {
    id: "aws-bedrock-session-key",
    provider: "AWS Bedrock",
    what: "short-lived API key",
    severity: "high",
    revoke: "https://console.aws.amazon.com/bedrock/home#/api-keys",
    shape: {
      by: "prefix",
      prefixes: ["bedrock-api-key-YmVkcm9jay5hbWF6b25hd3MuY29t"],
      alphabet: "base64",
      lengths: [[20, 4000]]
    }
  },
  {
    id: "github-token",
    provider: "GitHub",
    what: "access token",
    severity: "critical",
    revoke: "https://github.com/settings/tokens",
    safeCheck: "GET https://api.github.com/user",
    shape: {
      by: "prefix",
      prefixes: ["ghp_", "gho_", "ghu_", "ghs_", "ghr_"],
      alphabet: "alnum",
      lengths: [[36, 76]]
    }
  },
  {
    id: "github-fine-grained-token",
    provider: "GitHub",
    what: "fine-grained access token",
    severity: "critical",
    revoke: "https://github.com/settings/personal-access-tokens",
    safeCheck: "GET https://api.github.com/user",
    shape: {
      by: "prefix",
      prefixes: ["github_pat_"],
      alphabet: "key",
      lengths: exactly(82),
      form: /^[A-Za-z0-9]{22}_[A-Za-z0-9]{59}$/
    },
    positive: () => [`github_pat_${sample("alnum", 22)}_${sample("alnum", 59)}`]
  },
  {
    id: "gitlab-token",
    provider: "GitLab",
    what: "personal access token",
    severity: "critical",
    revoke: "https://gitlab.com/-/user_settings/personal_access_tokens",
    safeCheck: "GET https://gitlab.com/api/v4/user",
    shape: { by: "prefix", prefixes: ["glpat-"], alphabet: "key", lengths: [[20, 50]] },
    negative: () => ["glpat-your-token-here-please"]
  },
  {
    id: "slack-token",
    provider: "Slack",
    what: "token",
    severity: "high",
    revoke: "https://api.slack.com/apps",
    shape: {
      by: "prefix",
      prefixes: ["xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-"],
      alphabet: "key",
      random: "hex",
      lengths: [[36, 120]],
      form: /^(?:\d-)?\d{9,14}-/
    },
    positive: () => [`xoxb-${sample("digit", 12)}-${sample("digit", 13, 1)}-${sample("alnum", 24)}`]
  },
  {
    id: "npm-token",
    provider: "npm",
    what: "access token",
    severity: "critical",
    revoke: "https://www.npmjs.com/settings/~/tokens",
    safeCheck: "GET https://registry.npmjs.org/-/whoami",
    shape: { by: "prefix", prefixes: ["npm_"], alphabet: "alnum", lengths: exactly(36) },
    negative: () => ["npm_config_registry_and_other_variables_of_npm"]
  },
  {
    id: "stripe-secret-key",
    provider: "Stripe",
    what: "live secret key",
    severity: "critical",
    revoke: "https://dashboard.stripe.com/apikeys",
    shape: { by: "prefix", prefixes: ["sk_live_", "rk_live_"], alphabet: "alnum", lengths: [[24, 120]] },
    negative: () => ["sk_live_your_key_goes_here_and_nothing_else"]
  },
  {
    id: "digitalocean-token",
    provider: "DigitalOcean",
    what: "access token",
    severity: "critical",
    revoke: "https://cloud.digitalocean.com/account/api/tokens",
    shape: {
      by: "prefix",
      prefixes: ["dop_v1_", "doo_v1_", "dor_v1_"],
      alphabet: "hex",
      lengths: exactly(64)
    }
  },
  {
    id: "docker-token",
    provider: "Docker Hub",
    what: "access token",
    severity: "critical",
    revoke: "https://app.docker.com/settings/personal-access-tokens",
    shape: { by: "prefix", prefixes: ["dckr_pat_", "dckr_oat_"], alphabet: "key", lengths: [[27, 40]] }
  },
  {
    id: "shopify-token",
    provider: "Shopify",
    what: "access token",
    severity: "critical",
    revoke: "https://admin.shopify.com",
    shape: {
      by: "prefix",
      prefixes: ["shpat_", "shpca_", "shppa_", "shpss_"],
      alphabet: "hex",
      lengths: exactly(32)
    }
  },
  {
    id: "linear-api-key",
    provider: "Linear",
    what: "API key",
    severity: "high",
    revoke: "https://linear.app/settings/account/security",
    shape: { by: "prefix", prefixes: ["lin_api_"], alphabet: "alnum", lengths: exactly(40) }
  },
  {
    id: "postman-api-key",
    provider: "Postman",
    what: "API key",
    severity: "high",
    revoke: "https://go.postman.co/settings/me/api-keys",
    shape: {
      by: "prefix",
      prefixes: ["PMAK-"],
      alphabet: "key",
      random: "hex",
      lengths: exactly(59),
      form: /^[0-9a-f]{24}-[0-9a-f]{34}$/
    },
    positive: () => [`PMAK-${sample("hex", 24)}-${sample("hex", 34)}`]
  },
  {
    id: "grafana-token",
    provider: "Grafana",
    what: "service account token",
    severity: "high",
    revoke: "https://grafana.com/docs/grafana/latest/administration/service-accounts/",
    shape: {
      by: "prefix",
      prefixes: ["glsa_"],
      alphabet: "key",
      lengths: exactly(41),
      form: /^[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}$/
    },
    positive: () => [`glsa_${sample("alnum", 32)}_${sample("hex", 8)}`]
  },
  {
    id: "pypi-token",
    provider: "PyPI",
    what: "upload token",
    severity: "critical",
    revoke: "https://pypi.org/manage/account/token/",
    shape: { by: "prefix", prefixes: ["pypi-AgEIcHlwaS5vcmc"], alphabet: "key", lengths: [[50, 250]] }
  },
  {
    id: "supabase-token",
    provider: "Supabase",
    what: "access token or secret key",
    severity: "critical",
    revoke: "https://supabase.com/dashboard/account/tokens",
    shape: { by: "prefix", prefixes: ["sbp_"], alphabet: "hex", lengths: exactly(40) }
  },
  {
    id: "hashicorp-vault-token",
    provider: "HashiCorp Vault",
    what: "service or batch token",
    severity: "high",
    revoke: "vault token revoke",
    shape: { by: "prefix", lead: "hvs.", prefixes: ["CAES"], alphabet: "key", lengths: [[86, 180]] }
  },
  {
    id: "doppler-token",
    provider: "Doppler",
    what: "personal token",
    severity: "high",
    revoke: "https://dashboard.doppler.com",
    shape: {
      by: "context",
      alphabet: "alnum",
      lengths: [[40, 44]],
      lead: /(?:(?<![A-Za-z0-9])|(?<=\\[nrt]|[%=]3D|[;[]\d{1,3}m))dp\.(?:pt|st|ct|sa)\.(?:[a-z0-9_-]{2,35}\.)?$/
    },
    positive: () => [`dp.pt.${sample("alnum", 43)}`]
  },
  {
    id: "age-secret-key",
    provider: "age",
    what: "secret key",
    severity: "critical",
    revoke: "make a new identity, and encrypt to its recipient again",
    shape: { by: "prefix", prefixes: ["AGE-SECRET-KEY-1"], alphabet: "upperAlnum", lengths: exactly(58) }
  },
  {
    id: "json-web-token",
    provider: "JWT",
    what: "signed token",
    severity: "medium",
    revoke: "end the session that it belongs to, or replace the key that signed it",
    shape: { by: "jwt" },
    positive: () => [jwt({ sub: sample("alnum", 12) })],
    negative: () => [jwt({ sub: "1234567890", name: "John Doe" })]
  },
  {
    id: "connection-string",
    provider: "database or service",
    what: "address with a password",
    severity: "high",
    revoke: "change the password at the service",
    guessable: true,
    shape: { by: "connection" },
    positive: () => [`postgres://app:${sample("alnum", 16)}@db.acme.io:5432/app`],
    negative: () => [
      "postgres://postgres:postgres@localhost:5432/app",
      `postgres://app:${sample("alnum", 16)}@db:5432/app`,
      "postgresql://user:password@db.acme.io/app",
      "https://x.example/a:b@c"
    ]
  },
  {
    id: "private-key",
    provider: "PEM",
    what: "private key",
    severity: "critical",
    revoke: "replace the key pair wherever its public half is trusted",
    shape: { by: "pem" }
  }
];

// src/detect/vendor-name.ts
function vendor(words, options = {}) {
  return { words: new RegExp(words, "gi"), hash: options.hash ?? false };
}
var VENDOR_BEFORE_BYTES = 240;
var BEHIND_BYTES = 120;
var NEAR = 80;
var MOST_LINES = 4;
var MOST_ROWS = 3;
var KEYISH = /key|token|secret|passw|pwd|auth|cred|bearer/i;
var HASHED = /(?:sha-?\d*|md5|hash(?:es)?|commit|digest|checksum|crc|etag|integrity|revision|rev|u?uid|guid|trace|span|cache[\s_-]?\w{0,12}|thumbprint|finger_?print|request\w{0,12}|id|version|blob|tree|parent|ref|branch|tag|gguf|file\w{0,8})["'\]\s)]{0,3}[^\w\n]{0,8}$/i;
var GENERIC = /^(?:[\s"'`<>*#|+({[\\,-]|-H\s|--header\s|\w{1,12}:\s?["'](?=x-api|api|auth))*(?:(?:x-)?(?:api|access|auth|secret|subscription)?[._\s-]?(?:key|token|secret|password|credentials?|pat)|value|default|content|string|authorization)["'`\]>\\]*\s*(?:[:=,>(]|=>)?[\s"'`<({[\\]*(?:(?:bearer|token|basic)\s+)?(?:[rbf]?["'`])?$/i;
var GENERIC_KEY = /key|token|secret|passw|cred|auth/i;
var ALONE = /^[\s"'`>*#|+-]*(?:[rbf]?["'`])?$/;
var DELIMITERS = ["\t", ";", "|", ","];
function distanceOf({ words, hash }, around) {
  const { line, behind, lines } = around;
  const label = line.slice(-48);
  if (hash && HASHED.test(label))
    return null;
  const near = lastOf(words, line);
  if (near) {
    const distance = line.length - near.end;
    const called = !hash || KEYISH.test(line) || isUser(line.slice(near.end), behind);
    if (called && (distance <= NEAR || GENERIC_KEY.test(label)))
      return distance;
    if (hash && headed(lines, around, KEYISH))
      return distance;
  }
  const after = firstOf(words, behind);
  if (after !== null && (!hash || KEYISH.test(line) || KEYISH.test(behind)))
    return NEAR + after;
  return aboveOf(words, hash, around);
}
function aboveOf(words, hash, around) {
  const { line, lines, next } = around;
  for (const [index, above] of lines.entries()) {
    const found = lastOf(words, above);
    if (!found)
      continue;
    const called = !hash || GENERIC_KEY.test(line) || KEYISH.test(above.slice(found.start));
    const distance = VENDOR_BEFORE_BYTES * (index + 1) - found.end;
    if (called && GENERIC.test(line))
      return distance;
    if (called && index === 0 && ALONE.test(line))
      return distance;
    if (called && index < MOST_ROWS && sameColumn(above, found, around))
      return distance;
  }
  const below = next === null ? null : firstOf(words, next);
  return below !== null && GENERIC.test(line) && GENERIC_KEY.test(line) ? 2 * VENDOR_BEFORE_BYTES : null;
}
function isUser(between, behind) {
  return /^[:=]["']?$/.test(between) && /^(?:@|["']?\s)/.test(behind);
}
function headed(lines, around, name) {
  return lines.slice(0, MOST_ROWS).some((head) => {
    const match = name.exec(head);
    return match !== null && sameColumn(head, { start: match.index, end: match.index + 1 }, around);
  });
}
function sameColumn(head, at, { line, behind }) {
  const delimiter = DELIMITERS.find((one) => head.includes(one) && (line.includes(one) || behind.startsWith(one)));
  if (delimiter === undefined)
    return false;
  return countOf(head.slice(0, at.start), delimiter) === countOf(line, delimiter);
}
function countOf(text, character) {
  return text.split(character).length - 1;
}
function lastOf(words, text) {
  let last = null;
  words.lastIndex = 0;
  for (const match of text.matchAll(words))
    last = { start: match.index, end: match.index + match[0].length };
  return last;
}
function firstOf(words, text) {
  words.lastIndex = 0;
  const match = words.exec(text);
  return match ? match.index : null;
}
function surroundingsOf(bytes, start, end, to) {
  const before = linesOf(latin1(bytes, Math.max(0, start - VENDOR_BEFORE_BYTES), start));
  const [behind = "", next = null] = linesOf(latin1(bytes, end, Math.min(to, end + BEHIND_BYTES)));
  const line = before.pop() ?? "";
  const above = before.toReversed();
  const empty = above.findIndex((one) => one.trim() === "");
  return { line, behind, lines: above.slice(0, empty < 0 ? MOST_LINES : Math.min(empty, MOST_LINES)), next };
}
function linesOf(text) {
  return text.split(/\r?\n|\r|(?:\\+r)?\\+n/);
}

// src/detect/rules-context.ts
var CONTEXT_RULES = [
  {
    id: "mistral-api-key",
    provider: "Mistral",
    what: "API key",
    severity: "critical",
    revoke: "https://console.mistral.ai/api-keys",
    safeCheck: "GET https://api.mistral.ai/v1/models",
    shape: {
      by: "context",
      alphabet: "alnum",
      lengths: exactly(32),
      named: vendor("mistral|codestral"),
      scrambled: true
    },
    positive: () => [
      `MISTRAL_API_KEY=${sample("alnum", 32)}`,
      `mistral:
  api_key: ${sample("alnum", 32, 1)}`
    ],
    negative: () => [`mistral-7b sha256: ${sample("hex", 32)}`, sample("alnum", 32)]
  },
  {
    id: "cohere-api-key",
    provider: "Cohere",
    what: "API key",
    severity: "critical",
    revoke: "https://dashboard.cohere.com/api-keys",
    safeCheck: "GET https://api.cohere.com/v1/models",
    shape: {
      by: "context",
      alphabet: "alnum",
      lengths: exactly(40),
      named: vendor("cohere(?!n)|(?:(?<![a-z])|(?<=\\dm))co[_.\\s\\\\-]{0,2}api[_.\\s\\\\-]{0,2}key"),
      scrambled: true
    },
    positive: () => [`CO_API_KEY=${sample("alnum", 40)}`, `cohere.Client("${sample("alnum", 40, 1)}")`],
    negative: () => [`cohere commit: ${sample("hex", 40)}`]
  },
  {
    id: "azure-openai-key",
    provider: "Azure OpenAI",
    what: "API key",
    severity: "critical",
    revoke: "https://portal.azure.com/#browse/Microsoft.CognitiveServices%2Faccounts",
    shape: {
      by: "context",
      alphabet: "hex",
      lengths: exactly(32),
      named: vendor("azure|openai|cognitive", { hash: true })
    },
    positive: () => [`AZURE_OPENAI_API_KEY=${sample("hex", 32)}`],
    negative: () => [`azure etag: "${sample("hex", 32)}"`]
  },
  {
    id: "azure-ai-key",
    provider: "Azure AI",
    what: "API key",
    severity: "critical",
    revoke: "https://portal.azure.com/#browse/Microsoft.CognitiveServices%2Faccounts",
    shape: {
      by: "context",
      alphabet: "alnum",
      lengths: exactly(84),
      form: /^[A-Za-z0-9]{52}JQQJ9/
    },
    positive: () => [`key: ${sample("alnum", 52)}JQQJ99${sample("alnum", 26)}`],
    negative: () => [sample("alnum", 84)]
  },
  {
    id: "azure-storage-key",
    provider: "Azure Storage",
    what: "account key",
    severity: "critical",
    revoke: "https://portal.azure.com/#browse/Microsoft.Storage%2FStorageAccounts",
    shape: {
      by: "context",
      alphabet: "base64",
      lengths: exactly(88),
      before: /AccountKey\s?[=:]\s?["']?$/i,
      form: /==$/
    },
    positive: () => [`AccountName=x;AccountKey=${sample("alnum", 86)}==;EndpointSuffix=core`]
  },
  {
    id: "aws-secret-access-key",
    provider: "AWS",
    what: "secret access key",
    severity: "critical",
    revoke: "https://console.aws.amazon.com/iam/home#/security_credentials",
    shape: {
      by: "context",
      alphabet: "base64",
      lengths: exactly(40),
      named: vendor("aws.{0,20}(?:secret|key)|secret[_.\\s\\\\-]{0,2}access[_.\\s\\\\-]{0,2}key"),
      names: ["aws_secret_access_key", "aws-secret-access-key"],
      form: /^(?!.{30}EXAMPLEKEY$)/,
      scrambled: true
    },
    positive: () => [
      `aws_secret_access_key = ${sample("alnum", 40)}`,
      `"SecretAccessKey": "${sample("alnum", 40, 1)}"`
    ],
    negative: () => [`aws_secret_access_key = ${["wJalrXUtnFEMI/K7MDENG", "bPxRfiCYEXAMPLEKEY"].join("/")}`]
  },
  {
    id: "zai-api-key",
    provider: "Z.ai",
    what: "API key",
    severity: "critical",
    revoke: "https://z.ai/manage-apikey/apikey-list",
    shape: {
      by: "context",
      alphabet: "hex",
      lengths: exactly(32),
      named: vendor("(?:(?<![a-z])|(?<=\\dm))z[._-]?ai|zhipu|bigmodel|glm"),
      tail: /^\.[A-Za-z0-9]{16}(?![A-Za-z0-9])/
    },
    positive: () => [`ZAI_API_KEY=${sample("hex", 32)}.${sample("alnum", 16)}`]
  },
  {
    id: "ollama-api-key",
    provider: "Ollama",
    what: "API key",
    severity: "high",
    revoke: "https://ollama.com/settings/keys",
    shape: {
      by: "context",
      alphabet: "hex",
      lengths: exactly(32),
      named: vendor("ollama"),
      tail: /^\.[A-Za-z0-9_-]{24}(?![A-Za-z0-9_-])/
    },
    positive: () => [`OLLAMA_API_KEY=${sample("hex", 32)}.${sample("key", 24)}`]
  },
  {
    id: "assemblyai-api-key",
    provider: "AssemblyAI",
    what: "API key",
    severity: "critical",
    revoke: "https://www.assemblyai.com/app/api-keys",
    shape: {
      by: "context",
      alphabet: "hex",
      lengths: exactly(32),
      named: vendor("assembly_?ai|aai", { hash: true })
    },
    positive: () => [`ASSEMBLYAI_API_KEY="${sample("hex", 32)}"`]
  },
  {
    id: "deepgram-api-key",
    provider: "Deepgram",
    what: "API key",
    severity: "critical",
    revoke: "https://console.deepgram.com",
    shape: {
      by: "context",
      alphabet: "hex",
      lengths: exactly(40),
      named: vendor("deepgram", { hash: true })
    },
    positive: () => [`DEEPGRAM_API_KEY=${sample("hex", 40)}`],
    negative: () => [`deepgram commit: ${sample("hex", 40)}`]
  },
  {
    id: "wandb-legacy-key",
    provider: "Weights & Biases",
    what: "API key",
    severity: "critical",
    revoke: "https://wandb.ai/settings",
    shape: {
      by: "context",
      alphabet: "hex",
      lengths: exactly(40),
      named: vendor("wandb|weights.?(?:and|&).?biases", { hash: true })
    },
    positive: () => [`WANDB_API_KEY=${sample("hex", 40)}`]
  },
  {
    id: "together-legacy-key",
    provider: "Together",
    what: "API key",
    severity: "critical",
    revoke: "https://api.together.ai/settings/api-keys",
    shape: {
      by: "context",
      alphabet: "hex",
      lengths: exactly(64),
      named: vendor("together(?! (?!ai|api|key|token)[a-z])", { hash: true })
    },
    positive: () => [`TOGETHER_API_KEY=${sample("hex", 64)}`]
  },
  {
    id: "upstage-api-key",
    provider: "Upstage",
    what: "API key",
    severity: "critical",
    revoke: "https://console.upstage.ai/api-keys",
    shape: {
      by: "context",
      alphabet: "key",
      lengths: [[32, 53]],
      named: vendor("upstage"),
      scrambled: true
    },
    positive: () => [`UPSTAGE_API_KEY=up_${sample("alnum", 40)}`]
  },
  {
    id: "sendgrid-api-key",
    provider: "SendGrid",
    what: "API key",
    severity: "critical",
    revoke: "https://app.sendgrid.com/settings/api_keys",
    shape: {
      by: "context",
      alphabet: "key",
      lengths: exactly(43),
      lead: /(?:(?<![A-Za-z0-9])|(?<=\\[nrt]|[%=]3D|[;[]\d{1,3}m))SG\.[A-Za-z0-9_-]{22}\.$/
    },
    positive: () => [`SG.${sample("key", 22)}.${sample("key", 43)}`]
  },
  {
    id: "telegram-bot-token",
    provider: "Telegram",
    what: "bot token",
    severity: "high",
    revoke: "@BotFather, /revoke",
    shape: { by: "context", alphabet: "key", lengths: exactly(35), lead: /(?<!\d)\d{8,10}:$/, form: /^AA/ },
    positive: () => [`${sample("digit", 10)}:AA${sample("key", 33)}`]
  },
  {
    id: "generic-secret",
    provider: "unknown",
    what: "value of a name such as secret or password",
    severity: "medium",
    revoke: "where it was issued",
    guessable: true,
    onRequest: true,
    shape: {
      by: "context",
      alphabet: "key",
      lengths: [[20, 128]],
      before: /(?:api[_-]?key|apikey|secret|token|passw(?:or)?d|credential|private[_-]?key)[\w.-]{0,20}["'\]\s)]{0,3}(?:=>|:=|[=:>,(])[\s"'`({[\\]{0,6}$/i,
      form: /^(?=.{0,127}\d)(?=.{0,127}[A-Za-z])/
    },
    positive: () => [`MY_SECRET=${sample("alnum", 32)}`],
    negative: () => ["SECRET_NAME=the-name-of-a-secret-in-1-vault"]
  }
];

// src/detect/rules-llm.ts
var OPENAI_MARKER = { text: "T3BlbkFJ", before: [20, 110], behind: [20, 110] };
var LLM_RULES = [
  {
    id: "groq-api-key",
    provider: "Groq",
    what: "API key",
    severity: "critical",
    revoke: "https://console.groq.com/keys",
    safeCheck: "GET https://api.groq.com/openai/v1/models",
    shape: {
      by: "prefix",
      prefixes: ["gsk_"],
      alphabet: "alnum",
      lengths: exactly(52),
      marker: { text: "WGdyb3FY", before: [20, 20], behind: [20, 40] },
      loose: { least: 20, placeholders: true }
    },
    positive: () => [`gsk_${sample("alnum", 20)}WGdyb3FY${sample("alnum", 24)}`],
    negative: () => ["gsk_YourGroqApiKeyHere", `gsk_${sample("alnum", 19)}`]
  },
  {
    id: "openai-project-key",
    provider: "OpenAI",
    what: "project, service or admin key",
    severity: "critical",
    revoke: "https://platform.openai.com/api-keys",
    safeCheck: "GET https://api.openai.com/v1/models",
    shape: {
      by: "prefix",
      prefixes: ["sk-proj-", "sk-svcacct-", "sk-service-", "sk-admin-", "sk-None-"],
      alphabet: "key",
      lengths: [[100, 250]],
      marker: OPENAI_MARKER,
      loose: { least: 40 }
    },
    positive: () => [20, 51, 58, 74].map((half) => `sk-proj-${sample("key", half)}T3BlbkFJ${sample("key", half)}`),
    negative: () => ["sk-proj-your-project-api-key-goes-here-replace-me", `sk-proj-${"x".repeat(120)}`]
  },
  {
    id: "deepseek-api-key",
    provider: "DeepSeek",
    what: "API key",
    severity: "critical",
    revoke: "https://platform.deepseek.com/api_keys",
    safeCheck: "GET https://api.deepseek.com/models",
    shape: {
      by: "prefix",
      prefixes: ["sk-"],
      alphabet: "lowerAlnum",
      lengths: exactly(32),
      named: vendor("deepseek")
    },
    positive: () => [`DEEPSEEK_API_KEY=sk-${sample("hex", 32)}`]
  },
  {
    id: "dashscope-api-key",
    provider: "Alibaba (DashScope, Qwen)",
    what: "API key",
    severity: "critical",
    revoke: "https://bailian.console.alibabacloud.com/?tab=model#/api-key",
    shape: {
      by: "prefix",
      prefixes: ["sk-"],
      alphabet: "hex",
      lengths: exactly(32),
      named: vendor("dashscope|qwen|bailian|tongyi")
    },
    positive: () => [`DASHSCOPE_API_KEY=sk-${sample("hex", 32)}`],
    negative: () => [`DASHSCOPE_API_KEY=sk-${"abcdef01".repeat(4)}`]
  },
  {
    id: "moonshot-api-key",
    provider: "Moonshot (Kimi)",
    what: "API key",
    severity: "critical",
    revoke: "https://platform.moonshot.ai/console/api-keys",
    shape: {
      by: "prefix",
      prefixes: ["sk-"],
      alphabet: "alnum",
      lengths: exactly(48),
      named: vendor("moonshot|kimi")
    },
    positive: () => [`MOONSHOT_API_KEY=sk-${sample("alnum", 48)}`]
  },
  {
    id: "stability-api-key",
    provider: "Stability AI",
    what: "API key",
    severity: "critical",
    revoke: "https://platform.stability.ai/account/keys",
    shape: {
      by: "prefix",
      prefixes: ["sk-"],
      alphabet: "alnum",
      lengths: exactly(48),
      named: vendor("stability|dreamstudio")
    },
    positive: () => [`STABILITY_API_KEY=sk-${sample("alnum", 48)}`]
  },
  {
    id: "elevenlabs-api-key",
    provider: "ElevenLabs",
    what: "API key",
    severity: "critical",
    revoke: "https://elevenlabs.io/app/settings/api-keys",
    shape: { by: "prefix", prefixes: ["sk_"], alphabet: "hex", lengths: exactly(48) }
  },
  {
    id: "openai-api-key",
    provider: "OpenAI",
    what: "API key",
    severity: "critical",
    revoke: "https://platform.openai.com/api-keys",
    safeCheck: "GET https://api.openai.com/v1/models",
    shape: {
      by: "prefix",
      prefixes: ["sk-"],
      alphabet: "alnum",
      lengths: exactly(48),
      marker: { ...OPENAI_MARKER, before: [20, 60], behind: [20, 60] },
      loose: { least: 32 }
    },
    positive: () => [`sk-${sample("alnum", 20)}T3BlbkFJ${sample("alnum", 20)}`],
    negative: () => ["sk-estimator-id-1-checkbox-placeholder-text", `sk-${"abcdefgh".repeat(6)}`]
  },
  {
    id: "anthropic-api-key",
    provider: "Anthropic",
    what: "API, admin or session key",
    severity: "critical",
    revoke: "https://console.anthropic.com/settings/keys",
    safeCheck: "GET https://api.anthropic.com/v1/models",
    shape: {
      by: "prefix",
      prefixes: ["sk-ant-"],
      alphabet: "key",
      lengths: [[80, 180]],
      form: /^[a-z]{2,12}\d{2}-/,
      loose: { least: 32 }
    },
    positive: () => ["api03", "admin01", "oat01", "sid01"].map((kind) => `sk-ant-${kind}-${sample("key", 93)}AA`),
    negative: () => [`sk-ant-api03-${"x".repeat(95)}`, "sk-ant-your-api-key-here-please-replace-it"]
  },
  {
    id: "google-api-key",
    provider: "Google",
    what: "API key (Gemini, Maps, Firebase)",
    severity: "medium",
    revoke: "https://console.cloud.google.com/apis/credentials",
    safeCheck: "GET https://generativelanguage.googleapis.com/v1beta/models",
    shape: { by: "prefix", prefixes: ["AIza"], alphabet: "key", lengths: exactly(35), loose: { least: 30 } },
    negative: () => [`AIza${"Sy".repeat(17)}`]
  },
  {
    id: "google-bound-key",
    provider: "Google",
    what: "API key bound to a service account (Gemini)",
    severity: "critical",
    revoke: "https://aistudio.google.com/apikey",
    safeCheck: "GET https://generativelanguage.googleapis.com/v1beta/models",
    shape: { by: "prefix", lead: "AQ.", prefixes: ["Ab8RN6"], alphabet: "key", lengths: [[40, 50]] },
    negative: () => [`AQ.Ab8RN6${"x".repeat(44)}`]
  },
  {
    id: "openrouter-api-key",
    provider: "OpenRouter",
    what: "API key",
    severity: "critical",
    revoke: "https://openrouter.ai/settings/keys",
    safeCheck: "GET https://openrouter.ai/api/v1/key",
    shape: {
      by: "prefix",
      prefixes: ["sk-or-v1-"],
      alphabet: "hex",
      lengths: exactly(64),
      loose: { least: 32 }
    },
    negative: () => [`sk-or-v1-${"0123456789abcdef".repeat(4)}`]
  },
  {
    id: "huggingface-token",
    provider: "Hugging Face",
    what: "access token",
    severity: "critical",
    revoke: "https://huggingface.co/settings/tokens",
    safeCheck: "GET https://huggingface.co/api/whoami-v2",
    shape: { by: "prefix", prefixes: ["hf_", "api_org_"], alphabet: "alnum", lengths: exactly(34) },
    negative: () => ["hf_hub_download_with_progress_and_resume_file", `hf_${"x".repeat(34)}`]
  },
  {
    id: "xai-api-key",
    provider: "xAI",
    what: "API key",
    severity: "critical",
    revoke: "https://console.x.ai",
    safeCheck: "GET https://api.x.ai/v1/api-key",
    shape: { by: "prefix", prefixes: ["xai-"], alphabet: "key", lengths: [[70, 120]], loose: { least: 40 } },
    negative: () => ["xai-your-xai-api-key-goes-here-replace-me-with-it"]
  },
  {
    id: "replicate-api-token",
    provider: "Replicate",
    what: "API token",
    severity: "critical",
    revoke: "https://replicate.com/account/api-tokens",
    safeCheck: "GET https://api.replicate.com/v1/account",
    shape: { by: "prefix", prefixes: ["r8_"], alphabet: "key", lengths: exactly(37) },
    negative: () => [`r8_${"x".repeat(37)}`]
  },
  {
    id: "perplexity-api-key",
    provider: "Perplexity",
    what: "API key",
    severity: "critical",
    revoke: "https://www.perplexity.ai/settings/api",
    shape: {
      by: "prefix",
      prefixes: ["pplx-"],
      alphabet: "alnum",
      lengths: exactly(48),
      loose: { least: 32 }
    },
    negative: () => ["pplx-7b-online-chat-placeholder-name-of-a-model"]
  },
  {
    id: "cerebras-api-key",
    provider: "Cerebras",
    what: "API key",
    severity: "critical",
    revoke: "https://cloud.cerebras.ai",
    safeCheck: "GET https://api.cerebras.ai/v1/models",
    shape: { by: "prefix", prefixes: ["csk-"], alphabet: "lowerAlnum", lengths: exactly(48) },
    negative: () => [`csk-${"abcdefgh".repeat(6)}`]
  },
  {
    id: "nvidia-api-key",
    provider: "NVIDIA",
    what: "API key (NIM, NGC)",
    severity: "critical",
    revoke: "https://build.nvidia.com/settings/api-keys",
    shape: { by: "prefix", prefixes: ["nvapi-"], alphabet: "key", lengths: [[60, 70]], loose: { least: 40 } },
    negative: () => ["nvapi-your-nvidia-api-key-goes-here-replace-me-please"]
  },
  {
    id: "together-api-key",
    provider: "Together",
    what: "API key",
    severity: "critical",
    revoke: "https://api.together.ai/settings/api-keys",
    safeCheck: "GET https://api.together.xyz/v1/models",
    shape: { by: "prefix", prefixes: ["tgp_v1_"], alphabet: "key", lengths: exactly(43) }
  },
  {
    id: "fireworks-api-key",
    provider: "Fireworks",
    what: "API key",
    severity: "critical",
    revoke: "https://app.fireworks.ai/settings/users/api-keys",
    safeCheck: "GET https://api.fireworks.ai/inference/v1/models",
    shape: {
      by: "prefix",
      prefixes: ["fw_"],
      alphabet: "alnum",
      lengths: [[22, 48]],
      form: /^(?=.{0,47}[a-z])(?=.{0,47}[A-Z])(?=.{0,47}\d)/,
      before: /(?:^|[^\w-]|--|\\[nrt]|%(?:25)?[\dA-F]{2}|=3D|\\u00[\da-f]{2}|\\x[\da-f]{2}|[;[]\d{1,3}m|(?:key|token|secret)[_-])$/i
    },
    negative: () => ["fw_someFunctionNameWithoutAnyUnderscore", `sha256=qaN-fw_${sample("alnum", 35)}`]
  },
  {
    id: "minimax-api-key",
    provider: "MiniMax",
    what: "API key",
    severity: "critical",
    revoke: "https://platform.minimax.io",
    shape: { by: "prefix", prefixes: ["sk-api-"], alphabet: "key", lengths: exactly(119) }
  }
];

// src/detect/rules-llm-tools.ts
var UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
var LLM_TOOL_RULES = [
  {
    id: "devin-user-key",
    provider: "Devin",
    what: "personal API key",
    severity: "critical",
    revoke: "https://app.devin.ai/settings/api-keys",
    shape: { by: "prefix", prefixes: ["apk_user_"], alphabet: "alnum", lengths: [[118, 182]] }
  },
  {
    id: "devin-service-key",
    provider: "Devin",
    what: "service API key",
    severity: "critical",
    revoke: "https://app.devin.ai/settings/api-keys",
    shape: { by: "prefix", prefixes: ["apk_b3Jn"], alphabet: "alnum", lengths: [[74, 96]] }
  },
  {
    id: "devin-service-token",
    provider: "Devin",
    what: "token of a service user",
    severity: "critical",
    revoke: "https://app.devin.ai/settings/api-keys",
    shape: { by: "prefix", prefixes: ["cog_"], alphabet: "lowerBase32", lengths: exactly(52) }
  },
  {
    id: "jina-api-key",
    provider: "Jina",
    what: "API key",
    severity: "critical",
    revoke: "https://jina.ai/api-dashboard/key-manager",
    shape: { by: "prefix", prefixes: ["jina_"], alphabet: "key", lengths: exactly(60) }
  },
  {
    id: "tavily-api-key",
    provider: "Tavily",
    what: "API key",
    severity: "high",
    revoke: "https://app.tavily.com",
    shape: {
      by: "prefix",
      prefixes: ["tvly-", "tvly-dev-", "tvly-prod-"],
      alphabet: "alnum",
      lengths: exactly(32)
    },
    positive: () => [`tvly-${sample("alnum", 32)}`, `tvly-dev-${sample("alnum", 32, 2)}`]
  },
  {
    id: "cursor-api-key",
    provider: "Cursor",
    what: "API key",
    severity: "high",
    revoke: "https://cursor.com/dashboard",
    shape: { by: "prefix", prefixes: ["key_"], alphabet: "hex", lengths: exactly(64) }
  },
  {
    id: "langsmith-api-key",
    provider: "LangSmith",
    what: "API key",
    severity: "critical",
    revoke: "https://smith.langchain.com/settings",
    shape: {
      by: "prefix",
      prefixes: ["lsv2_pt_", "lsv2_sk_"],
      alphabet: "key",
      random: "hex",
      lengths: exactly(43),
      form: /^[0-9a-f]{32}_[0-9a-f]{10}$/
    },
    positive: () => [`lsv2_pt_${sample("hex", 32)}_${sample("hex", 10)}`]
  },
  {
    id: "langfuse-secret-key",
    provider: "Langfuse",
    what: "secret key",
    severity: "critical",
    revoke: "https://cloud.langfuse.com",
    safeCheck: "GET https://cloud.langfuse.com/api/public/projects",
    shape: {
      by: "prefix",
      prefixes: ["sk-lf-"],
      alphabet: "key",
      random: "hex",
      lengths: exactly(36),
      form: UUID
    },
    positive: () => [
      `sk-lf-${[8, 4, 4, 4, 12].map((length, part) => sample("hex", length, part)).join("-")}`
    ]
  },
  {
    id: "wandb-api-key",
    provider: "Weights & Biases",
    what: "API key",
    severity: "critical",
    revoke: "https://wandb.ai/settings",
    shape: { by: "prefix", prefixes: ["wandb_v1_"], alphabet: "key", lengths: exactly(77) }
  },
  {
    id: "runpod-api-key",
    provider: "RunPod",
    what: "API key",
    severity: "critical",
    revoke: "https://console.runpod.io/user/settings",
    shape: { by: "prefix", prefixes: ["rpa_"], alphabet: "alnum", lengths: exactly(46) }
  },
  {
    id: "pinecone-api-key",
    provider: "Pinecone",
    what: "API key",
    severity: "critical",
    revoke: "https://app.pinecone.io",
    shape: {
      by: "prefix",
      prefixes: ["pcsk_"],
      alphabet: "key",
      lengths: [[69, 70]],
      form: /^[A-Za-z0-9]{5,6}_[A-Za-z0-9]{63}$/
    },
    positive: () => [`pcsk_${sample("alnum", 6)}_${sample("alnum", 63)}`]
  },
  {
    id: "vercel-ai-gateway-key",
    provider: "Vercel AI Gateway",
    what: "API key",
    severity: "critical",
    revoke: "https://vercel.com/dashboard",
    shape: { by: "prefix", prefixes: ["vck_"], alphabet: "alnum", lengths: exactly(56) }
  },
  {
    id: "databricks-token",
    provider: "Databricks",
    what: "personal access token",
    severity: "critical",
    revoke: "https://accounts.cloud.databricks.com",
    shape: { by: "prefix", prefixes: ["dapi"], alphabet: "hex", lengths: exactly(32) }
  }
];

// src/detect/rules.ts
var OWN_RULES = [
  {
    id: "sallyport-token",
    provider: "Sallyport",
    what: "access token",
    severity: "high",
    revoke: "sallyport token revoke ID (the id is the 12 characters after the type letter)",
    shape: {
      by: "prefix",
      prefixes: ["sallyp_"],
      alphabet: "key",
      lengths: exactly(52),
      proof: isSallyportToken
    },
    positive: () => [withChecksum(`sallyp_s${sample("alnum", 12)}_${sample("alnum", 32)}`)],
    negative: () => [`sallyp_s${sample("alnum", 12)}_${sample("alnum", 38)}`]
  },
  {
    id: "sallyport-root-key",
    provider: "Sallyport",
    what: "root key",
    severity: "critical",
    revoke: "treat every key in the vault as known: rotate them, and start a new instance",
    shape: { by: "prefix", prefixes: ["sallyport-root-key-1:"], alphabet: "key", lengths: exactly(43) }
  }
];
var RULES = [
  ...OWN_RULES,
  ...LLM_RULES,
  ...LLM_TOOL_RULES,
  ...CLOUD_RULES,
  ...CONTEXT_RULES
];

// src/detect/prefixes.ts
var LEAST = 4;
var BY_FIRST = [];
var longest = 0;
for (const { shape } of RULES) {
  if (shape.by !== "prefix")
    continue;
  for (const prefix of shape.prefixes) {
    const begin = `${shape.lead ?? ""}${prefix}`;
    longest = Math.max(longest, begin.length);
    if (begin.length >= LEAST)
      (BY_FIRST[begin.charCodeAt(0)] ??= []).push(begin);
  }
}
var LONGEST_PREFIX = longest;
function isPrefixAt(bytes, at, to) {
  return BY_FIRST[bytes[at] ?? 0]?.some((prefix) => at + prefix.length <= to && standsAt(bytes, at, prefix)) ?? false;
}

// src/detect/run-skip.ts
var RUN = 20;
var KEY = ALPHABETS.key.bit;

// src/detect/examine.ts
var TELLING_LENGTH = 6;
var LONGEST_STRADDLE = 8;
var LEAST_NOTICED = 8;
var MOST_LOOKED_AT = 512;
var BEFORE_BYTES = 100;
function matchersOf(rule) {
  const { shape } = rule;
  if (shape.by !== "prefix")
    return [];
  const { bit } = ALPHABETS[shape.alphabet];
  const { size } = ALPHABETS[shape.random ?? shape.alphabet];
  const lead = shape.lead ?? "";
  const marked = shape.marker ? shape.marker.before[1] + shape.marker.text.length + shape.marker.behind[1] : 0;
  const most = Math.max(marked, ...shape.lengths.map(([, length]) => length));
  if (leastLength(shape) - lead.length < RUN)
    throw new TypeError(`${rule.id} is too short to be found`);
  return shape.prefixes.map((prefix) => {
    const telling = lead.length + prefix.length >= TELLING_LENGTH;
    const searched = shape.alphabet === "base64" && prefix.length < LEAST_NOTICED;
    return { rule, shape, prefix, lead, bit, size, most, searched, telling };
  });
}
function examine(bytes, at, to, matcher) {
  const { prefix, lead, bit, most, shape, rule } = matcher;
  if (!standsAt(bytes, at, prefix))
    return null;
  const start = at - lead.length;
  if (lead !== "" && (start < 0 || !standsAt(bytes, start, lead)))
    return null;
  const body = at + prefix.length;
  let end = body;
  const farthest = Math.min(to, body + most + 3);
  while (end < farthest && (CLASS[bytes[end]] & bit) !== 0)
    end += 1;
  const least = shape.loose?.least ?? Infinity;
  const known = bodyOf(bytes, body, end, to, matcher);
  if (!known && end - body < least)
    return null;
  const free = standsFree(bytes, start);
  const sure = known !== null && (free || known.marked || matcher.telling) && isGenuine(bytes, start, body, known.end, to, matcher);
  if (sure)
    return { rule, start, end: known.end, sure };
  if (end - body < least)
    return null;
  if (shape.loose?.placeholders)
    return { rule, start, end: endOfRun(bytes, end, to, bit), sure };
  if (end - body > most || !free && !matcher.telling)
    return null;
  if (!isRandom(bytes, body, end, matcher.size, "unsure"))
    return null;
  return { rule, start, end, sure };
}
function endOfRun(bytes, from, to, bit) {
  let end = from;
  while (end < to && isAt(bytes, end, bit))
    end += 1;
  return end;
}
function bodyOf(bytes, body, end, to, { shape, most }) {
  const { marker, lengths } = shape;
  const marked = marker ? indexOfText(bytes, marker.text, body, Math.min(end, body + most)) : -1;
  if (marker && marked >= 0 && within(marked - body, marker.before)) {
    const behind = marked + marker.text.length;
    const twin = behind + marked - body;
    const last = twin < end && isPrefixAt(bytes, twin, to) ? twin : endOf(bytes, behind, end, to, marker.behind);
    if (within(last - behind, marker.behind))
      return { end: last, marked: true };
  }
  for (const range of lengths) {
    const last = endOf(bytes, body, end, to, range);
    if (within(last - body, range))
      return { end: last, marked: false };
  }
  return null;
}
function endOf(bytes, body, end, to, [least, most]) {
  const next = end < to ? bytes[end] : undefined;
  if (next === GREATER && end - 2 >= body + least && standsAt(bytes, end - 2, "--"))
    return end - 2;
  if (isGlue(next)) {
    const lowest = Math.max(body + least, end - LONGEST_STRADDLE);
    for (let at = end - 1;at >= lowest; at -= 1)
      if (isPrefixAt(bytes, at, to))
        return at;
  }
  if (end - body <= most)
    return end;
  if (isGlue(bytes[body + most]))
    return body + most;
  for (let at = body + least;at <= body + most; at += 1)
    if (isPrefixAt(bytes, at, to))
      return at;
  return end;
}
function isGlue(byte) {
  return byte === DASH || byte === UNDERSCORE;
}
function within(value, [least, most]) {
  return value >= least && value <= most;
}
function isRandom(bytes, body, end, size, behind) {
  const last = Math.min(end, body + MOST_LOOKED_AT);
  if (!isLifelike(bytes, body, last, size))
    return false;
  return size < ALPHABETS.alnum.size || !isName(bytes, body, last, behind);
}
function isGenuine(bytes, start, body, end, to, matcher) {
  const { form, proof, before, named } = matcher.shape;
  if (before && !before.test(latin1(bytes, Math.max(0, start - BEFORE_BYTES), start)))
    return false;
  if (proof)
    return proof(latin1(bytes, start, end));
  if (form && !form.test(latin1(bytes, body, end)))
    return false;
  if (!isRandom(bytes, body, end, matcher.size, matcher.telling ? "telling" : "short"))
    return false;
  return !named || distanceOf(named, surroundingsOf(bytes, start, end, to)) !== null;
}
var BACKSLASH = 92;
var DASH = 45;
var UNDERSCORE = 95;
var GREATER = 62;
var EQUALS = 61;
var BRACKET = 91;
var SEMICOLON = 59;
var PERCENT = 37;
var LETTER_OR_DIGIT = ALPHABETS.alnum.bit;
function standsFree(bytes, at) {
  if (at === 0 || !isAt(bytes, at - 1, LETTER_OR_DIGIT))
    return true;
  if (bytes[at - 2] === BACKSLASH)
    return "ntrfbv0".includes(String.fromCharCode(bytes[at - 1] ?? 0));
  if (bytes[at - 3] === PERCENT)
    return isHex(bytes, at - 2, at);
  if (bytes[at - 5] === PERCENT && standsAt(bytes, at - 4, "25"))
    return isHex(bytes, at - 2, at);
  if (bytes[at - 3] === EQUALS)
    return standsAt(bytes, at - 2, "3D");
  if (bytes[at - 4] === BACKSLASH && bytes[at - 3] === 120)
    return isHex(bytes, at - 2, at);
  if (bytes[at - 6] === BACKSLASH && bytes[at - 5] === 117)
    return isHex(bytes, at - 4, at);
  return endsColour(bytes, at);
}
var GLUES = new Set([BACKSLASH, EQUALS, BRACKET, SEMICOLON]);
function glueAt(bytes, start) {
  const before = bytes[start - 1];
  if (before === BACKSLASH) {
    const kind = String.fromCharCode(bytes[start] ?? 0);
    if (kind === "u")
      return isHex(bytes, start + 1, start + 5) ? 5 : 0;
    if (kind === "x")
      return isHex(bytes, start + 1, start + 3) ? 3 : 0;
    return "ntrfbv0".includes(kind) ? 1 : 0;
  }
  if (before === PERCENT) {
    let end = start;
    while (standsAt(bytes, end, "25"))
      end += 2;
    return isHex(bytes, end, end + 2) ? end + 2 - start : 0;
  }
  if (before === EQUALS)
    return standsAt(bytes, start, "3D") ? 2 : 0;
  if (before !== BRACKET && before !== SEMICOLON)
    return 0;
  return /^\d{1,3}m/.exec(latin1(bytes, start, start + 4))?.[0].length ?? 0;
}
function isHex(bytes, from, to) {
  return /^[0-9A-Fa-f]+$/.test(latin1(bytes, from, to));
}
var LONGEST_COLOUR = 16;
function endsColour(bytes, at) {
  return /\[[\d;]*m$/.test(latin1(bytes, Math.max(0, at - LONGEST_COLOUR), at));
}

// src/redact/automaton.ts
var COLUMNS = 128;
var ROW_BITS = 7;
var MOST_STATES = 65535;

class Automaton {
  next;
  ends;
  hasEnds;
  heldLength;
  constructor(patterns) {
    const nodes = trieOf(patterns);
    if (nodes.length > MOST_STATES)
      throw new RangeError("There are too many known values to look for.");
    this.next = new Uint16Array(nodes.length << ROW_BITS);
    this.hasEnds = new Uint8Array(nodes.length);
    this.heldLength = new Uint16Array(nodes.length);
    this.ends = this.#link(nodes);
  }
  #link(nodes) {
    const ends = Array.from({ length: nodes.length });
    const fallback = new Uint16Array(nodes.length);
    const waiting = [0];
    for (let head = 0;head < waiting.length; head += 1) {
      const state = waiting[head] ?? 0;
      const node = nodes[state];
      if (!node)
        continue;
      const other = fallback[state] ?? 0;
      const row = state << ROW_BITS;
      if (state !== 0) {
        this.next.copyWithin(row, other << ROW_BITS, other + 1 << ROW_BITS);
        this.heldLength[state] = node.held ? node.depth : this.heldLength[other] ?? 0;
        const all = [...node.ends, ...ends[other] ?? []];
        if (all.length > 0)
          ends[state] = all;
        this.hasEnds[state] = all.length > 0 ? 1 : 0;
      }
      for (const [column, child] of node.children) {
        fallback[child] = state === 0 ? 0 : this.next[row | column] ?? 0;
        waiting.push(child);
      }
      for (const [column, child] of node.children)
        this.next[row | column] = child;
    }
    return ends;
  }
}
function columnOf(code) {
  return code < COLUMNS ? code : 0;
}
function trieOf(patterns) {
  const root = { children: new Map, depth: 0, held: false, ends: [] };
  const nodes = [root];
  for (const [index, { text, held }] of patterns.entries()) {
    let node = root;
    for (let at = 0;at < text.length; at += 1) {
      const column = columnOf(text.charCodeAt(at));
      let child = node.children.get(column);
      if (child === undefined) {
        child = nodes.length;
        node.children.set(column, child);
        nodes.push({ children: new Map, depth: at + 1, held: false, ends: [] });
      }
      node = nodes[child] ?? root;
      if (held)
        node.held = true;
    }
    node.ends.push(index);
  }
  return nodes;
}

// src/detect/aws-secret.ts
var BASE64 = ALPHABETS.base64;
var LENGTH = 40;
var LEAST_NAME = 21;
var LONGEST_NAME = 64;
var NAME = /aws[_-]secret[_-]access[_-]key$/i;
var CAMEL_NAME = "ecretAccessKey";
var CAMEL_ANCHOR = CAMEL_NAME.indexOf("tAc");
var BEHIND_NAME_BYTES = 64;
function secretBehindName(bytes, start, end, to, rule) {
  if (end - start < LEAST_NAME || !(standsAt(bytes, end - 3, "KEY") || standsAt(bytes, end - 3, "key")))
    return null;
  if (!NAME.test(latin1(bytes, Math.max(start, end - LONGEST_NAME), end)))
    return null;
  return secretIn(bytes, end, Math.min(to, end + BEHIND_NAME_BYTES + LENGTH), rule);
}
function secretIn(bytes, from, to, rule) {
  let start = from;
  while (start < to) {
    let end = start;
    while (end < to && (CLASS[bytes[end]] & BASE64.bit) !== 0)
      end += 1;
    while (start < end && bytes[start] === 61)
      start += 1;
    const glue = glueAt(bytes, start);
    start += Math.min(end - start, glue);
    const free = glue > 0 || !isAt(bytes, start - 1, ALPHABETS.key.bit);
    const whole = free && end - start === LENGTH && !isAt(bytes, end, BASE64.bit);
    if (whole && isSecret(bytes, start, end))
      return { rule, start, end, sure: true };
    start = end + 1;
  }
  return null;
}
function isSecret(bytes, start, end) {
  const text = latin1(bytes, start, end);
  return !text.endsWith("EXAMPLEKEY") && isScrambled(bytes, start, end) && isLifelike(bytes, start, end, BASE64.size);
}

// src/redact/candidate.ts
var RANK = { known: -1e4, sure: 0, around: 1000, maybe: 2000, vague: 3000 };
function compareCuts(a, b) {
  return a.start - b.start || a.rank - b.rank || (a.label < b.label ? -1 : 1);
}
var NEWLINE = 10;
var LONGEST_WAIT = 160;
function endOfLine({ codes, length, ended }, at) {
  const farthest = Math.min(length, at + LONGEST_WAIT);
  const newline = codes.subarray(at, farthest).indexOf(NEWLINE);
  if (newline >= 0)
    return at + newline;
  return length < at + LONGEST_WAIT && !ended ? -1 : farthest;
}

// src/redact/characters.ts
var KEY2 = ALPHABETS.key.bit;
var BASE642 = ALPHABETS.base64.bit;
var DOTTED = tableOf(/[A-Za-z0-9_.:-]/);
var CREDENTIAL = tableOf(/[A-Za-z0-9._~+/=-]/);
var HOST = tableOf(/[A-Za-z0-9.-]/);
var SPACE = tableOf(/\s/);
var KEY_TABLE = ofAlphabet(KEY2);
var KEY_OR_BASE64 = ofAlphabet(KEY2 | BASE642);
var BY_BIT = new Map;
function alphabetTable(bit) {
  const known = BY_BIT.get(bit) ?? ofAlphabet(bit);
  BY_BIT.set(bit, known);
  return known;
}
function ofAlphabet(bits) {
  return Uint8Array.from(CLASS, (own) => (own & bits) === 0 ? 0 : 1);
}
function tableOf(member) {
  return Uint8Array.from({ length: 256 }, (_, code) => code < 128 && member.test(String.fromCharCode(code)) ? 1 : 0);
}
function endOf2(codes, from, to, table) {
  let end = from;
  while (end < to && table[codes[end]] === 1)
    end += 1;
  return end;
}

// src/redact/aws-secret-candidate.ts
var NAMES = [
  "ecretAccessKey",
  ...["secret_access_key", "secret-access-key"].flatMap((name) => [name, name.toUpperCase()])
];
var BEHIND_NAME = 72;
var BEHIND_ID = 240;
var LONGEST_TEXT = 64;
var TABLE = alphabetTable(BASE642);
var NAME_BYTES = 21;

class AwsSecretCandidate {
  #rule;
  #id;
  #idAt;
  #at;
  #windowEnd;
  #held = Infinity;
  constructor(rule, end, id = null, idAt = end) {
    this.#rule = rule;
    this.#id = id;
    this.#idAt = idAt;
    this.#at = end;
    this.#windowEnd = end + (id ? BEHIND_ID : BEHIND_NAME);
  }
  get hold() {
    return this.#held;
  }
  get needs() {
    return this.#idAt - NAME_BYTES;
  }
  advance({ codes, length, ended }, cut) {
    this.#held = Infinity;
    while (this.#at < Math.min(length, this.#windowEnd)) {
      const end = endOf2(codes, this.#at, Math.min(length, this.#at + LONGEST_TEXT), TABLE);
      if (end === length && end < this.#at + LONGEST_TEXT && !ended) {
        this.#held = this.#at;
        return false;
      }
      if (end > this.#windowEnd)
        return true;
      const hit = end === this.#at ? null : secretIn(codes, this.#at, end, this.#rule);
      if (hit && this.#isBehindId(codes)) {
        cut({ start: hit.start, end: hit.end, label: this.#rule.id, rank: RANK.around });
        return true;
      }
      this.#at = Math.max(end, this.#at + 1);
    }
    return ended || this.#at >= this.#windowEnd;
  }
  #isBehindId(codes) {
    return this.#id === null || examine(codes, this.#idAt, this.#at, this.#id)?.sure === true;
  }
  moved(by) {
    this.#idAt -= by;
    this.#at -= by;
    this.#windowEnd -= by;
    this.#held -= by;
  }
}

// src/detect/azure-secret.ts
var TILDE = 126;
var DOT = 46;
var BEFORE = 5;
var LEAST_BODY = 31;
var MOST_BODY = 34;
var ALPHABET_SIZE = 66;
var HEAD = /^[A-Za-z0-9_.~-]{3}\dQ$/;
function secretAt(bytes, tilde, from, to, rule) {
  const start = tilde - BEFORE;
  const body = tilde + 1;
  if (start < from || !HEAD.test(latin1(bytes, start, tilde)))
    return null;
  let end = body;
  while (end < to && end - body <= MOST_BODY && isOfSecret(bytes, end))
    end += 1;
  if (bytes[end - 1] === DOT && end - body > LEAST_BODY)
    end -= 1;
  else if (end < to && bytes[end] === 62 && latin1(bytes, end - 2, end) === "--")
    end -= 2;
  else if (end - body > MOST_BODY && !isAt(bytes, end - 1, ALPHABETS.alnum.bit))
    end -= 1;
  if (end - body < LEAST_BODY || end - body > MOST_BODY)
    return null;
  const random = isLifelike(bytes, body, end, ALPHABET_SIZE) && !isName(bytes, body, end, "telling");
  return random ? { rule, start, end, sure: true } : null;
}
function isOfSecret(bytes, at) {
  return isAt(bytes, at, ALPHABETS.key.bit) || bytes[at] === TILDE || bytes[at] === DOT;
}

// src/redact/client-secret-candidate.ts
var MARK = "Q~";
var BEFORE2 = 4;

class ClientSecretCandidate {
  #rule;
  #start;
  #lowest;
  #walked;
  constructor(rule, start, lowest) {
    this.#rule = rule;
    this.#start = start;
    this.#lowest = Math.max(lowest, start - BEFORE2);
    this.#walked = start + MARK.length;
  }
  get hold() {
    return this.#lowest;
  }
  get needs() {
    return this.#start - BEFORE2;
  }
  advance({ codes, length, ended }, cut) {
    const limit = this.#start + MARK.length + MOST_BODY + 1;
    while (this.#walked < Math.min(length, limit) && isOfSecret(codes, this.#walked))
      this.#walked += 1;
    if (this.#walked === length && this.#walked < limit && !ended)
      return false;
    const to = Math.min(length, this.#walked + 1, limit);
    const hit = secretAt(codes, this.#start + 1, Math.max(0, this.#start - BEFORE2), to, this.#rule);
    if (hit)
      cut({ start: Math.max(hit.start, this.#lowest), end: hit.end, label: this.#rule.id, rank: RANK.sure });
    return true;
  }
  moved(by) {
    this.#start -= by;
    this.#lowest -= by;
    this.#walked -= by;
  }
}

// src/detect/context.ts
var BEFORE_BYTES2 = 100;
var BEHIND_BYTES2 = 64;
var LONGEST = 128;
var LONGEST_BASE64 = 88;
var BASE643 = ALPHABETS.base64.bit;
var PLUS = 43;
var SLASH = 47;
var EQUALS2 = 61;
var DASH2 = 45;
var GREATER2 = 62;
var UNDERSCORE2 = 95;

class ContextSearch {
  #byLength = [];
  #lengths;
  #named;
  constructor(rules) {
    for (const rule of rules) {
      const { shape } = rule;
      if (shape.by !== "context")
        continue;
      for (const [least, most] of shape.lengths) {
        for (let length = least;length <= Math.min(most, LONGEST); length += 1) {
          (this.#byLength[length] ??= []).push({ rule, shape });
        }
      }
    }
    this.#named = rules.find(({ shape }) => shape.by === "context" && shape.names);
    this.#lengths = [...this.#byLength.keys()].filter((length) => this.#byLength[length]);
  }
  find(bytes, start, end, to) {
    const own = this.#withoutGlue(bytes, start, end, to) ?? this.#try(bytes, start, end, to) ?? this.#withoutDashes(bytes, start, end, to) ?? this.#behindDash(bytes, start, end, to) ?? (this.#named ? secretBehindName(bytes, start, end, to, this.#named) : null);
    if (own)
      return own;
    if (!goesOn(bytes[end]) && !goesOn(bytes[start - 1]))
      return null;
    return this.findBase64(bytes, start, end, to);
  }
  findBase64(bytes, start, end, to) {
    let first = start;
    const lowest = Math.max(0, end - LONGEST_BASE64 - 1);
    while (first > lowest && isAt(bytes, first - 1, BASE643) && bytes[first - 1] !== EQUALS2)
      first -= 1;
    let last = end;
    const highest = Math.min(to, first + LONGEST_BASE64 + 1);
    while (last < highest && isAt(bytes, last, BASE643))
      last += 1;
    return this.#withoutGlue(bytes, first, last, to) ?? this.#try(bytes, first, last, to);
  }
  #withoutGlue(bytes, start, end, to) {
    const glue = glueAt(bytes, start);
    return glue === 0 ? null : this.#try(bytes, start + glue, end, to);
  }
  #behindDash(bytes, start, end, to) {
    for (const length of this.#lengths) {
      const first = end - length;
      if (first <= start)
        return null;
      if (!isDash(bytes[first - 1]))
        continue;
      const hit = this.#try(bytes, first, end, to);
      if (hit)
        return hit;
    }
    return null;
  }
  #withoutDashes(bytes, start, end, to) {
    if (!isDash(bytes[start]) && !isDash(bytes[end - 1]))
      return null;
    let first = start;
    while (first < end && isDash(bytes[first]))
      first += 1;
    let last = end;
    while (last > first && isDash(bytes[last - 1]))
      last -= 1;
    const commented = bytes[end] === GREATER2 ? end - 2 : end;
    return this.#try(bytes, first, last, to) ?? this.#try(bytes, first, commented, to) ?? this.#try(bytes, start, commented, to) ?? (first > start && last < end ? this.#try(bytes, first, end, to) ?? this.#try(bytes, start, last, to) : null);
  }
  #try(bytes, start, end, to) {
    const rules = this.#byLength[end - start];
    if (!rules)
      return null;
    const piece = isPieceOfBase64(bytes, start, end);
    let best = null;
    let around = null;
    for (const { rule, shape } of rules) {
      const { bit, size } = ALPHABETS[shape.alphabet];
      if (piece && shape.named || !isOf(bytes, start, end, bit))
        continue;
      if (shape.form && !shape.form.test(latin1(bytes, start, end)))
        continue;
      if (shape.scrambled && !isScrambled(bytes, start, end))
        continue;
      const whole = wholeOf(bytes, start, end, to, shape);
      if (!whole || !isLifelike(bytes, start, end, size))
        continue;
      let distance = 0;
      if (shape.named) {
        around ??= surroundingsOf(bytes, whole.start, whole.end, to);
        distance = distanceOf(shape.named, around);
      }
      if (distance === null || best && best.distance <= distance)
        continue;
      best = { hit: { rule, ...whole, sure: true }, distance };
    }
    return best?.hit ?? null;
  }
}
function wholeOf(bytes, start, end, to, { before, lead, tail }) {
  const text = before || lead ? latin1(bytes, Math.max(0, start - BEFORE_BYTES2), start) : "";
  if (before && !before.test(text))
    return null;
  const leading = lead?.exec(text);
  const trailing = tail?.exec(latin1(bytes, end, Math.min(to, end + BEHIND_BYTES2)));
  if (lead && !leading || tail && !trailing)
    return null;
  return { start: start - (leading?.[0].length ?? 0), end: end + (trailing?.[0].length ?? 0) };
}
function goesOn(byte) {
  return byte === PLUS || byte === SLASH || byte === EQUALS2;
}
function isPieceOfBase64(bytes, start, end) {
  return bytes[start - 1] === PLUS || bytes[start - 1] === SLASH || goesOn(bytes[end]);
}
function isDash(byte) {
  return byte === DASH2 || byte === UNDERSCORE2;
}
function isOf(bytes, start, end, bit) {
  for (let at = start;at < end; at += 1)
    if ((CLASS[bytes[at]] & bit) === 0)
      return false;
  return true;
}

// src/redact/context-facts.ts
var LONGEST2 = 128;
var LONGEST_BASE642 = 88;
var LONGEST_LEAD = 64;
var LONGEST_GLUE = 8;
var BEFORE3 = 100;
var KEYISH2 = /key|token|secret|passw|pwd|auth|cred|bearer/i;
var PLUS2 = 43;
var DASH3 = 45;
var DOT2 = 46;
var SLASH2 = 47;
var COLON = 58;
var EQUALS3 = 61;
var GREATER3 = 62;
var UNDERSCORE3 = 95;
var JOINS = Uint8Array.from({ length: 256 }, (_, code) => [PLUS2, SLASH2, EQUALS3, DOT2, COLON].includes(code) ? 1 : 0);

class ContextFacts {
  search;
  longest;
  longestBase64;
  longestRun;
  #byLength = new Map;
  #lengths;
  #hasLeads;
  #names = new Map;
  constructor(rules) {
    this.search = new ContextSearch(rules);
    const shapes = rules.flatMap(({ shape }) => shape.by === "context" ? [shape] : []);
    let [longest, longestBase64] = [0, 0];
    for (const shape of shapes) {
      for (const [least, most] of shape.lengths) {
        if (shape.alphabet === "base64")
          longestBase64 = Math.max(longestBase64, Math.min(most, LONGEST_BASE642));
        else
          longest = Math.max(longest, Math.min(most, LONGEST2));
        for (let length = least;length <= Math.min(most, LONGEST2); length += 1) {
          const others = this.#byLength.get(length);
          if (others)
            others.push(shape);
          else
            this.#byLength.set(length, [shape]);
        }
      }
    }
    this.longest = longest;
    this.longestRun = longest + LONGEST_GLUE;
    this.longestBase64 = longestBase64;
    this.#lengths = [...this.#byLength.keys()].toSorted((a, b) => a - b);
    this.#hasLeads = shapes.some(({ lead }) => lead);
    for (const shape of shapes)
      if (shape.named)
        this.#names.set(shape, new RegExp(shape.named.words.source, "i"));
  }
  fitting(codes, start, end) {
    const fits = [];
    const behindGlue = start + glueAt(codes, start);
    const ends = [end];
    if (codes[end] === GREATER3)
      ends.push(end - 2);
    let stripped = end;
    while (stripped > start && isDash2(codes[stripped - 1]))
      stripped -= 1;
    if (stripped < end && stripped !== ends[1])
      ends.push(stripped);
    for (const last of ends) {
      for (const length of this.#lengths) {
        const first = last - length;
        if (first < start)
          break;
        if (first === start || first === behindGlue || isDash2(codes[first - 1])) {
          fits.push(...this.fittingWhole(codes, first, last));
        }
      }
    }
    return fits;
  }
  fittingWhole(codes, start, end) {
    const shapes = this.#byLength.get(end - start);
    if (!shapes)
      return [];
    let alphabets = 255;
    for (let at = start;at < end; at += 1)
      alphabets &= CLASS[codes[at]];
    return shapes.filter(({ alphabet, form, scrambled, tail }) => (alphabets & ALPHABETS[alphabet].bit) !== 0 && (!tail || codes[end] === DOT2) && (!form || form.test(latin1(codes, start, end))) && (!scrambled || isScrambled(codes, start, end))).map((shape) => ({ shape, start, end }));
  }
  isWorthALook(codes, fits, around) {
    return fits.some(({ shape, start }) => {
      const name = this.#names.get(shape);
      if (name)
        return name.test(around);
      const telling = shape.before ?? shape.lead;
      return !telling || telling.test(latin1(codes, Math.max(0, start - BEFORE3), start));
    });
  }
  mayBeNamedBehind(codes, { shape: { named }, start }) {
    if (!named || !named.hash)
      return named !== undefined;
    const before = latin1(codes, Math.max(0, start - BEFORE3), start);
    return KEYISH2.test(before.slice(before.lastIndexOf(`
`) + 1));
  }
  holdAt(codes, run, length) {
    const before = codes[run - 1];
    let hold = length;
    if (this.longest > 0 && length - run <= this.longestRun)
      hold = this.leadStart(codes, run);
    else if (this.longest > 0) {
      for (let at = length - this.longestRun;at < length && hold === length; at += 1) {
        if (isDash2(codes[at - 1]))
          hold = at;
      }
    }
    if (this.longestBase64 === 0 || run < length && !goesOnInBase64(before))
      return hold;
    let last = length;
    while (last > 0 && codes[last - 1] === EQUALS3)
      last -= 1;
    const first = this.base64Start(codes, last);
    return length - first <= this.longestBase64 + 1 ? Math.min(hold, first) : hold;
  }
  heldStart(codes, at) {
    const lowest = Math.max(0, at - this.longestRun);
    let start = at;
    while (start > lowest && KEY_TABLE[codes[start - 1]] === 1)
      start -= 1;
    return start > lowest || start === 0 ? start : at;
  }
  base64Start(codes, at) {
    const lowest = Math.max(0, at - this.longestBase64 - 1);
    let start = at;
    while (start > lowest && isBase64(codes[start - 1]))
      start -= 1;
    return start;
  }
  leadStart(codes, run) {
    const before = codes[run - 1];
    if (!this.#hasLeads || before !== DOT2 && before !== COLON)
      return run;
    const lowest = Math.max(0, run - LONGEST_LEAD);
    let start = run;
    while (start > lowest && DOTTED[codes[start - 1]] === 1)
      start -= 1;
    return start;
  }
}
function isBase64(code) {
  return code !== undefined && code !== EQUALS3 && ((CLASS[code] ?? 0) & BASE642) !== 0;
}
function goesOnInBase64(code) {
  return code === PLUS2 || code === SLASH2 || code === EQUALS3;
}
function isDash2(code) {
  return code === DASH3 || code === UNDERSCORE3;
}

// src/redact/context-candidate.ts
var LONGEST_TAIL = 40;
var BEFORE4 = 240;
var DOT3 = 46;
var EQUALS4 = 61;
var BASE64_TABLE = alphabetTable(BASE642);
function contextCandidate(facts, codes, start, end) {
  const isPiece = goesOnInBase64(codes[end]) || goesOnInBase64(codes[start - 1]);
  if (isPiece && facts.longestBase64 > 0) {
    const first = facts.base64Start(codes, start);
    if (start - first <= facts.longestBase64)
      return new RunCandidate(facts, codes, [start, end, first, -1]);
  }
  const fits = facts.fitting(codes, start, end);
  return fits.length === 0 ? null : new RunCandidate(facts, codes, [start, end, start, end]);
}
function plusCandidate(facts, codes, at) {
  if (facts.longestBase64 === 0)
    return null;
  const first = facts.base64Start(codes, at);
  return at - first > facts.longestBase64 ? null : new RunCandidate(facts, codes, [at, at, first, -1]);
}

class RunCandidate {
  #facts;
  #start;
  #end;
  #first;
  #last;
  #lowest;
  #fits = null;
  #waits = false;
  constructor(facts, codes, [start, end, first, last]) {
    this.#facts = facts;
    this.#start = start;
    this.#end = end;
    this.#first = first;
    this.#last = last;
    this.#lowest = Math.min(first, facts.leadStart(codes, start));
  }
  get hold() {
    return this.#lowest;
  }
  get needs() {
    return this.#lowest;
  }
  advance(text, cut) {
    const { codes } = text;
    if (this.#last < 0) {
      const last = this.#endInBase64(text);
      if (last < 0)
        return false;
      this.#last = last;
    }
    this.#fits ??= this.#fitting(codes);
    if (this.#fits.every((fit) => isCovered(text, fit)))
      return true;
    if (!this.#waits) {
      const to = this.#endOfTail(text, this.#fits);
      if (to < 0)
        return false;
      if (this.#decide(codes, this.#fits, to, cut))
        return true;
      if (!this.#fits.some((fit) => this.#facts.mayBeNamedBehind(codes, fit)))
        return true;
      this.#waits = true;
    }
    const end = endOfLine(text, this.#last);
    if (end < 0)
      return false;
    this.#decide(codes, this.#fits, end, cut);
    return true;
  }
  #endInBase64({ codes, length, ended }) {
    const longest = this.#first + this.#facts.longestBase64 + 2;
    const farthest = Math.min(length, longest);
    let last = this.#end;
    while (last < farthest && codes[last] !== EQUALS4 && BASE64_TABLE[codes[last] ?? 0] === 1)
      last += 1;
    while (last < farthest && codes[last] === EQUALS4)
      last += 1;
    if (last === length && last < longest && !ended)
      return -1;
    const goesOn = last < length && BASE64_TABLE[codes[last] ?? 0] === 1;
    if (goesOn || last - this.#first > this.#facts.longestBase64) {
      this.#first = this.#start;
      return this.#end;
    }
    return last;
  }
  #fitting(codes) {
    const fits = this.#facts.fitting(codes, this.#start, this.#end);
    if (this.#last > this.#end || this.#first < this.#start) {
      fits.push(...this.#facts.fittingWhole(codes, this.#first, this.#last));
    }
    const lead = fits.some(({ shape }) => shape.lead) ? this.#facts.leadStart(codes, this.#start) : this.#first;
    this.#lowest = Math.min(this.#first, lead);
    return fits;
  }
  #endOfTail({ codes, length, ended }, fits) {
    const next = Math.min(length, this.#last + 1);
    if (codes[this.#last] !== DOT3 || !fits.some(({ shape }) => shape.tail))
      return next;
    const end = endOf2(codes, next, Math.min(length, next + LONGEST_TAIL), KEY_TABLE);
    return end === length && end < next + LONGEST_TAIL && !ended ? -1 : Math.min(length, end + 1);
  }
  #decide(codes, fits, to, cut) {
    const around = latin1(codes, Math.max(0, this.#first - BEFORE4), to);
    if (!this.#facts.isWorthALook(codes, fits, around))
      return false;
    const { search } = this.#facts;
    const hit = this.#start === this.#end ? search.findBase64(codes, this.#start, this.#end, to) : search.find(codes, this.#start, this.#end, to);
    if (!hit || hasEqualsInside(codes, hit))
      return false;
    const rank = hit.rule.onRequest ? RANK.vague : RANK.around;
    cut({ start: Math.max(hit.start, this.#lowest), end: hit.end, label: hit.rule.id, rank });
    return true;
  }
  moved(by) {
    this.#start -= by;
    this.#end -= by;
    this.#first -= by;
    this.#lowest -= by;
    if (this.#last >= 0)
      this.#last -= by;
    this.#fits = this.#fits?.map((fit) => ({ ...fit, start: fit.start - by, end: fit.end - by })) ?? null;
  }
}
function isCovered(text, { shape, start, end }) {
  return !shape.lead && !shape.tail && text.covers(start, end);
}
function hasEqualsInside(codes, { start, end }) {
  const at = codes.subarray(start, end).indexOf(EQUALS4);
  return at >= 0 && codes.subarray(start + at, end).some((code) => code !== EQUALS4);
}

// src/redact/known-forms.ts
var LEAST_KNOWN = 8;
var LEAST_FORM = 8;
var CHARACTERS2 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
function knownForms(value) {
  if (typeof value !== "string" || value.length < LEAST_KNOWN) {
    throw new TypeError(`A known value must be a text of at least ${LEAST_KNOWN} characters.`);
  }
  const bytes = utf8(value);
  const texts = new Set([value, percentEncoded(bytes), JSON.stringify(value).slice(1, -1)]);
  for (let before = 0;before < 3; before += 1) {
    const standard = base64(bytes, before);
    if (standard.length < LEAST_FORM)
      continue;
    texts.add(standard);
    texts.add(standard.replaceAll("+", "-").replaceAll("/", "_"));
  }
  const forms = [...texts].map(codesOf);
  if (bytes.length !== value.length)
    forms.push(bytes);
  return forms;
}
function base64(bytes, before) {
  const first = Math.ceil(before * 8 / 6);
  const end = Math.floor((before + bytes.length) * 8 / 6);
  let text = "";
  for (let at = first;at < end; at += 1) {
    const bit = at * 6 - before * 8;
    const pair = (bytes[bit >> 3] ?? 0) << 8 | (bytes[(bit >> 3) + 1] ?? 0);
    text += CHARACTERS2[pair >> 10 - (bit & 7) & 63] ?? "";
  }
  return text;
}
function percentEncoded(bytes) {
  let text = "";
  for (const byte of bytes) {
    const character = String.fromCharCode(byte);
    text += /[A-Za-z0-9_.~-]/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return text;
}

// src/detect/connection.ts
var SEPARATOR = "://";
var SCHEME = /(?<![a-z0-9+.-])(?:postgres(?:ql)?|mysql|mariadb|mongodb(?:\+srv)?|rediss?|amqps?|mssql|sqlserver|cockroachdb|clickhouse|nats|smtps?|ldaps?|ftps?|sftp|ssh|https?)(?:\+\w{1,12})?$/i;
var LONGEST_SCHEME = 32;
var LONGEST_USER = 300;
var LEAST_PASSWORD = 8;
var LEAST_DIFFERENT = 5;
var ADDRESS = /^([^\s:/?#@"'`<>{}$\\]{0,128}):([^\s/?#@"'`<>{}$\\]{8,200})@([A-Za-z0-9][A-Za-z0-9.-]{0,200})/;
var COMMON = /^(?:my|your|the|db|new|some)?[_-]?(?:password|passwd|secret|pass|pwd|postgres|mysql|redis|mongodb|rabbitmq|guest|root|admin)s?\d{0,4}$/i;
var NOWHERE = /^(?:localhost|127\.[\d.]+|0\.0\.0\.0|(?:[\w-]+\.)*example(?:\.\w+)?|(?:[\w-]+\.)*(?:test|local|invalid|localhost)|host(?:name)?(?:\..*)?|[\w-]+)$/i;
function connectionAt(bytes, at, { from, to }, rule) {
  const user = at + SEPARATOR.length;
  if (!hasAt(bytes, user, Math.min(to, user + LONGEST_USER)))
    return null;
  const scheme = SCHEME.exec(latin1(bytes, Math.max(from, at - LONGEST_SCHEME), at));
  if (!scheme)
    return null;
  const match = ADDRESS.exec(latin1(bytes, user, Math.min(to, user + 2 * LONGEST_USER)));
  if (!match)
    return null;
  const [whole, , written = "", host = ""] = match;
  const password = written.replaceAll(/%[0-9A-Fa-f]{2}/g, "%");
  if (password.length < LEAST_PASSWORD || new Set(password).size < LEAST_DIFFERENT)
    return null;
  if (NOWHERE.test(host) || isTyped(password) || COMMON.test(password))
    return null;
  return { rule, start: at - scheme[0].length, end: user + whole.length, sure: true };
}
function hasAt(bytes, from, to) {
  for (let at = from;at < to; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte === 64)
      return true;
    if (isAt(bytes, at, ALPHABETS.key.bit))
      continue;
    if (byte <= 34 || byte === 47 || byte === 39 || byte === 60 || byte === 96)
      return false;
  }
  return false;
}

// src/detect/jwt.ts
var OBJECT = "eyJ";
var LONGEST_HEAD = 2048;
var LONGEST_PAYLOAD = 8192;
var LEAST_SIGNATURE = 40;
var KEY3 = ALPHABETS.key.bit;
function jwtAt(bytes, at, end, to, rule) {
  if (end - at > LONGEST_HEAD || !isDot(bytes, end, to) || !standsAt(bytes, end + 1, OBJECT))
    return null;
  const payloadEnd = endOfRun2(bytes, end + 1, Math.min(to, end + LONGEST_PAYLOAD));
  if (!isDot(bytes, payloadEnd, to))
    return null;
  const last = endOfRun2(bytes, payloadEnd + 1, to);
  if (last - payloadEnd - 1 < LEAST_SIGNATURE)
    return null;
  const head = objectOf(latin1(bytes, at, end));
  const payload = objectOf(latin1(bytes, end + 1, payloadEnd));
  if (typeof head?.["alg"] !== "string" || payload === null)
    return null;
  if (payload["name"] === "John Doe")
    return null;
  return { rule, start: at, end: last, sure: !isExpired(payload) };
}
function isExpired({ exp }) {
  return typeof exp === "number" && exp * 1000 < Date.now();
}
function isDot(bytes, at, to) {
  return at < to && bytes[at] === 46;
}
function endOfRun2(bytes, from, to) {
  let end = from;
  while (end < to && isAt(bytes, end, KEY3))
    end += 1;
  return end;
}
function objectOf(text) {
  try {
    const value = JSON.parse(fromBase64Url(text));
    return typeof value === "object" && value !== null ? value : null;
  } catch {
    return null;
  }
}

// src/redact/part-candidates.ts
var DOT4 = 46;
var COLON2 = 58;
var AT_SIGN = 64;
var OBJECT2 = "eyJ";
var LONGEST_HEAD2 = 2048;
var LONGEST_PAYLOAD2 = 8192;
var LEAST_SIGNATURE2 = 40;

class JwtCandidate {
  #rule;
  #start;
  #headEnd = -1;
  #payloadEnd = -1;
  #walked;
  constructor(rule, start) {
    this.#rule = rule;
    this.#start = start;
    this.#walked = start;
  }
  get hold() {
    return this.#start;
  }
  get needs() {
    return this.#start;
  }
  advance(text, cut) {
    const { codes, length } = text;
    if (this.#headEnd < 0) {
      this.#walked = endOf2(codes, this.#walked, Math.min(length, this.#start + LONGEST_HEAD2 + 1), KEY_TABLE);
      if (this.#walked - this.#start > LONGEST_HEAD2)
        return true;
      if (this.#walked < length && codes[this.#walked] !== DOT4)
        return true;
      for (let index = 0;index < OBJECT2.length; index += 1) {
        const at = this.#walked + 1 + index;
        if (at >= length)
          return text.ended;
        if (codes[at] !== OBJECT2.charCodeAt(index))
          return true;
      }
      this.#headEnd = this.#walked;
      this.#walked += 1;
    }
    if (this.#payloadEnd < 0) {
      const farthest = this.#headEnd + LONGEST_PAYLOAD2;
      this.#walked = endOf2(codes, this.#walked, Math.min(length, farthest), KEY_TABLE);
      if (this.#walked === farthest) {
        cut({ ...this.#cut(farthest), goesOn: CREDENTIAL });
        return true;
      }
      if (this.#walked === length)
        return text.ended;
      if (codes[this.#walked] !== DOT4)
        return true;
      this.#payloadEnd = this.#walked;
      this.#walked += 1;
    }
    const enough = this.#payloadEnd + 1 + LEAST_SIGNATURE2;
    this.#walked = endOf2(codes, this.#walked, Math.min(length, enough), KEY_TABLE);
    if (this.#walked < enough)
      return this.#walked < length || text.ended;
    if (jwtAt(codes, this.#start, this.#headEnd, enough, this.#rule)) {
      cut({ ...this.#cut(enough), goesOn: KEY_TABLE });
    }
    return true;
  }
  #cut(end) {
    return { start: this.#start, end, label: this.#rule.id, rank: RANK.sure };
  }
  moved(by) {
    this.#start -= by;
    this.#walked -= by;
    this.#headEnd = Math.max(-1, this.#headEnd - by);
    this.#payloadEnd = Math.max(-1, this.#payloadEnd - by);
  }
}
var SEPARATOR2 = "://";
var LONGEST_SCHEME2 = 32;
var LONGEST_USER2 = 128;
var LONGEST_PASSWORD = 200;
var LONGEST_HOST = 201;
var ENDS_USER = tableOf2(` 	
\v\f\r/?#"'\`<>{}$\\`);
function tableOf2(characters) {
  const table = new Uint8Array(256);
  for (const character of characters)
    table[character.charCodeAt(0)] = 1;
  return table;
}

class ConnectionCandidate {
  #rule;
  #separator;
  #password = -1;
  #host = -1;
  #walked;
  constructor(rule, separator) {
    this.#rule = rule;
    this.#separator = separator;
    this.#walked = separator + SEPARATOR2.length;
  }
  get hold() {
    return this.#password < 0 ? Infinity : this.#password;
  }
  get needs() {
    return this.#separator - LONGEST_SCHEME2;
  }
  advance(text, cut) {
    const { codes, length } = text;
    const user = this.#separator + SEPARATOR2.length;
    while (this.#host < 0) {
      if (this.#walked === length)
        return text.ended;
      const code = codes[this.#walked] ?? 0;
      if (ENDS_USER[code] === 1)
        return true;
      if (this.#password < 0) {
        if (code === AT_SIGN || this.#walked - user > LONGEST_USER2)
          return true;
        if (code === COLON2)
          this.#password = this.#walked + 1;
      } else {
        if (this.#walked - this.#password > LONGEST_PASSWORD)
          return true;
        if (code === AT_SIGN)
          this.#host = this.#walked + 1;
      }
      this.#walked += 1;
    }
    const farthest = this.#host + LONGEST_HOST;
    this.#walked = endOf2(codes, this.#walked, Math.min(length, farthest), HOST);
    if (this.#walked === length && this.#walked < farthest && !text.ended)
      return false;
    const from = Math.max(0, this.#separator - LONGEST_SCHEME2);
    if (connectionAt(codes, this.#separator, { from, to: this.#walked }, this.#rule)) {
      const end = this.#host - 1;
      cut({ start: this.#password, end, label: this.#rule.id, rank: RANK.vague });
    }
    return true;
  }
  moved(by) {
    this.#separator -= by;
    this.#walked -= by;
    if (this.#password >= 0)
      this.#password -= by;
    if (this.#host >= 0)
      this.#host -= by;
  }
}
var HTTP_CREDENTIAL = "http-credential";
var MOST_SPACES = 32;
var LEAST_CREDENTIAL = 8;
var LONGEST_WORD = 64;
var HEADER_BYTES = 40;
var BEHIND_HEADER = /authorization["'\]\\]{0,3}\s*[:=]\s*["'\\]{0,3}(?:bearer|basic)$/i;
var WORDS2 = /^(?:[A-Z]?[a-z]*|[A-Z]{2,})(?:[-./=](?:[A-Z]?[a-z]*|[A-Z]{2,}))*$/;

class CredentialCandidate {
  #evenWords;
  #schemeEnd;
  #start = -1;
  constructor(schemeEnd, evenWords) {
    this.#schemeEnd = schemeEnd;
    this.#evenWords = evenWords;
  }
  get hold() {
    return this.#start < 0 ? Infinity : this.#start;
  }
  get needs() {
    return this.#schemeEnd - HEADER_BYTES;
  }
  advance({ codes, length, ended }, cut) {
    if (this.#start < 0) {
      const farthest = this.#schemeEnd + MOST_SPACES + 1;
      const start = endOf2(codes, this.#schemeEnd, Math.min(length, farthest), SPACE);
      if (start === length)
        return start === farthest || ended;
      if (start === this.#schemeEnd || start === farthest || CREDENTIAL[codes[start] ?? 0] !== 1)
        return true;
      this.#start = start;
    }
    const end = endOf2(codes, this.#start, Math.min(length, this.#start + LONGEST_WORD), CREDENTIAL);
    const size = end - this.#start;
    const over = end < length || ended;
    if (size < LEAST_CREDENTIAL)
      return over;
    const telling = this.#evenWords || size === LONGEST_WORD || !WORDS2.test(latin1(codes, this.#start, end)) || this.#inHeader(codes);
    if (telling) {
      const start = this.#start;
      cut({ start, end, label: HTTP_CREDENTIAL, rank: RANK.vague + 1, goesOn: CREDENTIAL });
    }
    return telling || over;
  }
  #inHeader(codes) {
    return BEHIND_HEADER.test(latin1(codes, Math.max(0, this.#schemeEnd - HEADER_BYTES), this.#schemeEnd));
  }
  moved(by) {
    this.#schemeEnd -= by;
    if (this.#start >= 0)
      this.#start -= by;
  }
}

// src/redact/pem-candidate.ts
var BEGIN = "-----BEGIN ";
var FIRST_LINE = /^-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----/;
var MAY_BE_FIRST_LINE = /^-----BEGIN [A-Z0-9 ]*-{0,5}$/;
var LAST_LINE = /^-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/;
var MAY_BE_LAST_LINE = /^(?:-{1,5}|-----E|-----EN|-----END|-----END [A-Z0-9 ]*-{0,5})$/;
var LONGEST_LINE = 80;
var LEAST_PIECE = 16;
var LONGEST_GAP = 1000;
var PIECE = alphabetTable(BASE642);
var BACKSLASH2 = 92;
var DASH4 = 45;
var PLUS3 = 43;
var BETWEEN = Uint8Array.from({ length: 256 }, (_, code) => code < 128 && /[\s"'`,|>#*;&()[\]{}]/.test(String.fromCharCode(code)) ? 1 : 0);
var ESCAPED = new Set(Array.from(`nrt"'\\/`, (one) => one.charCodeAt(0)));

class PemCandidate {
  #label;
  #start;
  #inside = false;
  #covered = 0;
  #at = 0;
  #joined = true;
  constructor(label, start) {
    this.#label = label;
    this.#start = start;
  }
  get hold() {
    if (!this.#inside)
      return this.#start;
    return this.#joined ? this.#covered : this.#at;
  }
  get needs() {
    return this.#inside ? this.#covered - 1 : this.#start;
  }
  advance(text, cut) {
    if (!this.#inside) {
      const line = latin1(text.codes, this.#start, Math.min(text.length, this.#start + LONGEST_LINE));
      const first = FIRST_LINE.exec(line);
      if (!first)
        return text.ended || line.length === LONGEST_LINE || !MAY_BE_FIRST_LINE.test(line);
      const end = this.#start + first[0].length;
      cut({ start: this.#start, end, label: this.#label, rank: RANK.sure });
      this.#inside = true;
      this.#covered = end;
      this.#at = end;
    }
    return this.#go(text, cut);
  }
  #go(text, cut) {
    const { codes, length, ended } = text;
    while (this.#at < length) {
      if (this.#at - this.#covered > LONGEST_GAP)
        return true;
      const code = codes[this.#at] ?? 0;
      if (PIECE[code] === 1) {
        const over = this.#piece(text, cut);
        if (over !== null)
          return over;
      } else if (code === DASH4) {
        const last = lastLine(text, this.#at);
        if (last === "unknown")
          return false;
        if (last !== null) {
          if (this.#joined)
            this.#cut(this.#at, last, cut);
          return true;
        }
        if (latin1(codes, this.#at, Math.min(length, this.#at + 5)) === "-----")
          return true;
        this.#pass(1);
      } else if (code === BACKSLASH2) {
        if (this.#at + 1 === length && !ended)
          return false;
        if (ESCAPED.has(codes[this.#at + 1] ?? 0))
          this.#at += 2;
        else
          this.#pass(1);
      } else if (BETWEEN[code] === 1)
        this.#at += 1;
      else
        this.#pass(1);
    }
    this.#at = Math.min(this.#at, length);
    return ended;
  }
  #piece(text, cut) {
    const { codes, length, ended } = text;
    const end = endOf2(codes, this.#at, length, PIECE);
    const start = this.#at;
    if (end - start >= LEAST_PIECE || start === this.#covered && this.#joined && this.#afterCut) {
      this.#cut(start, end, cut);
      return null;
    }
    if (end === length && !ended)
      return false;
    if (end - start === 1 && codes[start] === PLUS3 && this.#joined) {
      this.#at = end;
      return null;
    }
    const behind = endOfSeparators(text, end);
    if (behind === length && !ended)
      return false;
    const last = lastLine(text, behind);
    if (last === "unknown")
      return false;
    if (last !== null) {
      this.#cut(start, last, cut);
      return true;
    }
    this.#pass(end - start);
    return null;
  }
  #afterCut = false;
  #cut(start, end, cut) {
    const from = this.#joined ? this.#covered - 1 : start;
    cut({ start: from, end, label: this.#label, rank: RANK.sure });
    this.#covered = end;
    this.#at = end;
    this.#joined = true;
    this.#afterCut = true;
  }
  #pass(count) {
    this.#at += count;
    this.#joined = false;
    this.#afterCut = false;
  }
  moved(by) {
    this.#start -= by;
    this.#covered -= by;
    this.#at -= by;
  }
}
function endOfSeparators({ codes, length }, from) {
  let at = from;
  while (at < length) {
    const code = codes[at] ?? 0;
    if (BETWEEN[code] === 1)
      at += 1;
    else if (code === BACKSLASH2 && at + 1 < length && ESCAPED.has(codes[at + 1] ?? 0))
      at += 2;
    else if (code === BACKSLASH2 && at + 1 === length)
      return length;
    else
      return at;
  }
  return length;
}
function lastLine({ codes, length, ended }, at) {
  const line = latin1(codes, at, Math.min(length, at + LONGEST_LINE));
  const match = LAST_LINE.exec(line);
  if (match)
    return at + match[0].length;
  return !ended && line.length < LONGEST_LINE && MAY_BE_LAST_LINE.test(line) ? "unknown" : null;
}

// src/redact/prefix-candidates.ts
class PrefixCandidate {
  #matcher;
  #at;
  #walked;
  constructor(matcher, at) {
    this.#matcher = matcher;
    this.#at = at;
    this.#walked = at + matcher.prefix.length;
  }
  get hold() {
    return this.#at - this.#matcher.lead.length;
  }
  get needs() {
    return this.hold;
  }
  advance(text, cut) {
    const { codes, length, ended } = text;
    const { prefix, most, bit } = this.#matcher;
    const limit = this.#at + prefix.length + most + 1;
    const to = Math.min(length, limit);
    let walked = this.#walked;
    while (walked < to && (CLASS[codes[walked]] & bit) !== 0)
      walked += 1;
    this.#walked = walked;
    if (walked === length && walked < limit && !ended)
      return false;
    const farthest = walked + LONGEST_PREFIX;
    const next = endOf2(codes, walked, Math.min(length, farthest), KEY_TABLE);
    if (next === length && next < farthest && !ended)
      return false;
    if (this.#decide(codes, Math.min(length, next + 1, farthest), cut))
      return true;
    if (!this.#mayBeNamedBehind())
      return true;
    const end = endOfLine(text, walked);
    if (end < 0)
      return false;
    this.#decide(codes, end, cut);
    return true;
  }
  #decide(codes, to, cut) {
    const { prefix, bit, rule } = this.#matcher;
    const hit = examine(codes, this.#at, to, this.#matcher);
    if (!hit)
      return false;
    const { start, end } = hit;
    const rank = (hit.sure ? RANK.sure : RANK.maybe) - prefix.length;
    const found = { start, end, label: rule.id, rank };
    cut(end < this.#walked ? found : { ...found, goesOn: alphabetTable(bit) });
    return true;
  }
  #mayBeNamedBehind() {
    const { shape, prefix } = this.#matcher;
    const size = this.#walked - this.#at - prefix.length;
    return shape.named !== undefined && shape.lengths.some(([least, most]) => size >= least && size <= most);
  }
  moved(by) {
    this.#at -= by;
    this.#walked -= by;
  }
}

class LookAlike {
  #label;
  #least;
  #start;
  #body;
  constructor(label, start, body, least) {
    this.#label = label;
    this.#start = start;
    this.#body = body;
    this.#least = least;
  }
  get hold() {
    return this.#start;
  }
  get needs() {
    return this.#start;
  }
  advance({ codes, length, ended }, cut) {
    const end = endOf2(codes, this.#body, Math.min(length, this.#body + this.#least), KEY_TABLE);
    const enough = end === this.#body + this.#least;
    if (!enough && end === length && !ended)
      return false;
    if (enough) {
      cut({ start: this.#start, end, label: this.#label, rank: RANK.vague, goesOn: KEY_TABLE });
    }
    return true;
  }
  moved(by) {
    this.#start -= by;
    this.#body -= by;
  }
}

class KnownCandidate {
  #codes;
  #start;
  #same = 0;
  constructor(codes, start) {
    this.#codes = codes;
    this.#start = start;
  }
  get hold() {
    return this.#start;
  }
  get needs() {
    return this.#start;
  }
  advance({ codes, length }, cut) {
    const value = this.#codes;
    let same = this.#same;
    while (same < value.length && this.#start + same < length) {
      if (codes[this.#start + same] !== value[same])
        return true;
      same += 1;
    }
    this.#same = same;
    if (same < value.length)
      return false;
    cut({ start: this.#start, end: this.#start + same, label: KNOWN, rank: RANK.known - value.length });
    return true;
  }
  moved(by) {
    this.#start -= by;
  }
}
var KNOWN = "known-value";

// src/redact/wide.ts
var UNKNOWN_KEY = "unknown-key";
var LEAST2 = 32;
var LONGEST3 = 256;
var WIDE = {
  longest: LONGEST3,
  cut: (codes, start, end) => {
    if (end - start < LEAST2)
      return null;
    const run = latin1(codes, start, Math.min(end, start + LONGEST3));
    if (!/[a-z]/.test(run) || !/[A-Z]/.test(run) || !/\d/.test(run))
      return null;
    return { start, end, label: UNKNOWN_KEY, rank: RANK.vague + 2, goesOn: KEY_TABLE };
  }
};

// src/redact/plan.ts
var PLANS = new Map;
function planFor(options) {
  const { except = [], context = true, generic = false, wide = false, known = [] } = options;
  const name = JSON.stringify([except, context, generic, wide]);
  const made = known.length === 0 ? PLANS.get(name) : undefined;
  if (made)
    return made;
  for (const id of except) {
    if (!RULES.some((rule) => rule.id === id))
      throw new TypeError(`No rule has the id "${id}".`);
  }
  const rules = RULES.filter(({ id, onRequest = false }) => !except.includes(id) && (generic || !onRequest));
  const facts = context ? new ContextFacts(rules) : null;
  const starts = [...rules.flatMap((rule) => startsOf(rule, facts)), ...credentialStarts(wide)];
  if (facts)
    starts.push(...awsStarts(rules), plusStart(facts));
  if (wide)
    starts.push(...wideStarts());
  for (const codes of known.flatMap(knownForms))
    starts.push(knownStart(codes));
  const plan = {
    automaton: new Automaton(starts),
    beginnings: starts.map(({ begin }) => begin),
    context: facts,
    wide: wide ? WIDE : null
  };
  if (known.length === 0)
    PLANS.set(name, plan);
  return plan;
}
function startsOf(rule, facts) {
  switch (rule.shape.by) {
    case "prefix":
      return matchersOf(rule).map(prefixStart);
    case "pem": {
      const begin = (_, end) => new PemCandidate(rule.id, end - BEGIN.length);
      return [{ text: BEGIN, held: true, begin }];
    }
    case "jwt": {
      const begin = (codes, end) => standsFree(codes, end - OBJECT2.length) ? new JwtCandidate(rule, end - OBJECT2.length) : null;
      return [{ text: OBJECT2, held: true, begin }];
    }
    case "connection": {
      const begin = (_, end) => new ConnectionCandidate(rule, end - SEPARATOR2.length);
      return [{ text: SEPARATOR2, held: false, begin }];
    }
    case "azure-secret": {
      const begin = (codes, end) => {
        const start = end - MARK.length;
        return new ClientSecretCandidate(rule, start, facts?.heldStart(codes, start) ?? start);
      };
      return [{ text: MARK, held: true, begin }];
    }
    case "context":
      return [];
  }
}
function prefixStart(matcher) {
  const { lead, prefix } = matcher;
  return {
    text: `${lead}${prefix}`,
    held: true,
    begin: (_, end) => new PrefixCandidate(matcher, end - prefix.length)
  };
}
function awsStarts(rules) {
  const rule = rules.find(({ shape }) => shape.by === "context" && shape.names);
  if (!rule)
    return [];
  const names = NAMES.map((text) => ({
    text,
    held: false,
    begin: (_, end) => new AwsSecretCandidate(rule, end)
  }));
  const ids = rules.filter(({ provider }) => provider === rule.provider).flatMap(matchersOf);
  const behindIds = ids.map((matcher) => ({
    text: `${matcher.lead}${matcher.prefix}`,
    held: true,
    begin: (_, end) => new AwsSecretCandidate(rule, end, matcher, end - matcher.prefix.length)
  }));
  return [...names, ...behindIds];
}
function plusStart(facts) {
  return { text: "+", held: false, begin: (codes, end) => plusCandidate(facts, codes, end - 1) };
}
var SCHEMES = ["bearer", "basic"];
function credentialStarts(evenWords) {
  return SCHEMES.flatMap((word) => casesOf(word).map((text) => ({
    text,
    held: false,
    begin: (codes, end) => isWordCharacter(codes[end - text.length - 1]) ? null : new CredentialCandidate(end, evenWords)
  })));
}
function casesOf(word) {
  let cases = [""];
  for (const letter of word) {
    cases = cases.flatMap((start) => [`${start}${letter}`, `${start}${letter.toUpperCase()}`]);
  }
  return cases;
}
function isWordCharacter(code) {
  return code !== undefined && code !== 45 && ((CLASS[code] ?? 0) & KEY2) !== 0;
}
var LEAST_LOOK_ALIKE = 12;
function wideStarts() {
  return RULES.flatMap((rule) => matchersOf(rule).map(({ lead, prefix }) => {
    const text = `${lead}${prefix}`;
    const begin = (_, end) => new LookAlike(rule.id, end - text.length, end, LEAST_LOOK_ALIKE);
    return { text, held: true, begin };
  }));
}
var TELLING_START = 6;
function knownStart(codes) {
  const start = codes.subarray(0, TELLING_START);
  return {
    text: String.fromCharCode(...start),
    held: true,
    begin: (_, end) => new KnownCandidate(codes, end - start.length)
  };
}

// src/redact/sieve.ts
var MOST_HELD = 16 * 1024;
var TOO_LONG = "undecided";
var MOST_AT_ONCE = 16 * 1024;
var LOOK_BACK = 512;
var FIRST_CAPACITY = 2048;

class Sieve {
  codes = new Uint8Array(FIRST_CAPACITY);
  length = 0;
  ended = false;
  done = 0;
  #cuts = [];
  #candidates = [];
  #plan;
  #next;
  #hasEnds;
  #heldLength;
  #longestRun;
  #state = 0;
  #cutEnd = -1;
  #run = 0;
  #wideDone = -1;
  constructor(plan) {
    this.#plan = plan;
    this.#next = plan.automaton.next;
    this.#hasEnds = plan.automaton.hasEnds;
    this.#heldLength = plan.automaton.heldLength;
    this.#longestRun = plan.context?.longestRun ?? plan.wide?.longest ?? 0;
  }
  #room(more) {
    const count = Math.min(more, MOST_AT_ONCE, this.done + MOST_HELD - this.length);
    if (this.length + count <= this.codes.length)
      return count;
    this.#forget();
    if (this.length + count > this.codes.length) {
      const larger = new Uint8Array(2 ** Math.ceil(Math.log2(this.length + count + LOOK_BACK)));
      larger.set(this.codes.subarray(0, this.length));
      this.codes = larger;
    }
    return count;
  }
  #forget() {
    let needed = this.done;
    for (const candidate of this.#candidates)
      needed = Math.min(needed, candidate.needs);
    const by = needed - LOOK_BACK;
    if (by <= 0)
      return;
    this.codes.copyWithin(0, by, this.length);
    this.length -= by;
    this.done -= by;
    this.#run -= by;
    this.#cutEnd -= by;
    this.#wideDone -= by;
    for (const candidate of this.#candidates)
      candidate.moved(by);
    for (const [at, cut] of this.#cuts.entries()) {
      this.#cuts[at] = { ...cut, start: cut.start - by, end: cut.end - by };
    }
  }
  readText(text, from) {
    const count = this.#room(text.length - from);
    const { codes } = this;
    const next = this.#next;
    const hasEnds = this.#hasEnds;
    let state = this.#state;
    let length = this.length;
    let run = this.#run;
    for (let at = from;at < from + count; at += 1) {
      const unit = text.charCodeAt(at);
      const code = unit < 128 ? unit : codeOf(unit);
      codes[length] = code;
      if (KEY_TABLE[code] === 0) {
        if (length - run >= RUN)
          this.#runEnded(run, length);
        run = length + 1;
      }
      state = next[state << ROW_BITS | (code < 128 ? code : 0)];
      length += 1;
      if (hasEnds[state] === 1)
        this.#begin(state, length);
    }
    this.#state = state;
    this.#run = run;
    this.length = length;
    return count;
  }
  readBytes(bytes, from) {
    const count = this.#room(bytes.length - from);
    const { codes } = this;
    const next = this.#next;
    const hasEnds = this.#hasEnds;
    let state = this.#state;
    let length = this.length;
    let run = this.#run;
    for (let at = from;at < from + count; at += 1) {
      const code = bytes[at];
      codes[length] = code;
      if (KEY_TABLE[code] === 0) {
        if (length - run >= RUN)
          this.#runEnded(run, length);
        run = length + 1;
      }
      state = next[state << ROW_BITS | (code < 128 ? code : 0)];
      length += 1;
      if (hasEnds[state] === 1)
        this.#begin(state, length);
    }
    this.#state = state;
    this.#run = run;
    this.length = length;
    return count;
  }
  #begin(state, end) {
    for (const pattern of this.#plan.automaton.ends[state] ?? []) {
      const candidate = this.#plan.beginnings[pattern]?.(this.codes, end);
      if (candidate)
        this.#candidates.push(candidate);
    }
  }
  settle() {
    if (this.#plan.wide)
      this.#lookWide(this.#run, this.length);
    const hold = this.#candidates.length > 0 ? this.#decide() : Infinity;
    const safe = Math.max(this.done, Math.min(hold, this.#tailHold()));
    if (this.length - safe < MOST_HELD)
      return safe;
    this.#cuts.push({ start: safe, end: this.length, label: TOO_LONG, rank: 0, goesOn: KEY_OR_BASE64 });
    this.#candidates.length = 0;
    return this.length;
  }
  get isPlain() {
    return this.#cuts.length === 0 && this.#cutEnd <= this.done;
  }
  reset() {
    if (this.codes.length > FIRST_CAPACITY)
      this.codes = new Uint8Array(FIRST_CAPACITY);
    this.length = 0;
    this.ended = false;
    this.done = 0;
    this.#cuts.length = 0;
    this.#candidates.length = 0;
    this.#state = 0;
    this.#cutEnd = -1;
    this.#run = 0;
    this.#wideDone = -1;
  }
  release() {
    if (endOf2(this.codes, this.done, this.length, SPACE) < this.length)
      return false;
    this.done = this.length;
    return true;
  }
  end(visitor) {
    this.ended = true;
    if (this.length - this.#run >= RUN)
      this.#runEnded(this.#run, this.length);
    this.#decide();
    this.#candidates.length = 0;
    this.tell(this.length, visitor);
  }
  covers(start, end) {
    return this.#cuts.some((cut) => cut.end >= end && (cut.start < start || cut.start === start && cut.rank < RANK.around));
  }
  #cut = (cut) => void this.#cuts.push(cut);
  #decide() {
    const candidates = this.#candidates;
    let hold = Infinity;
    let kept = 0;
    for (let at = 0;at < candidates.length; at += 1) {
      const candidate = candidates[at];
      if (!candidate || candidate.advance(this, this.#cut))
        continue;
      candidates[kept] = candidate;
      kept += 1;
      if (candidate.hold < hold)
        hold = candidate.hold;
    }
    candidates.length = kept;
    return hold;
  }
  #tailHold() {
    const { codes, length } = this;
    const run = this.#run;
    const hold = length - this.#heldLength[this.#state];
    if (this.#longestRun === 0)
      return hold;
    const isPlain = run === 0 || JOINS[codes[run - 1]] === 0;
    if (isPlain && length - run <= this.#longestRun)
      return Math.min(hold, run);
    const { context, wide } = this.#plan;
    const ofContext = context ? context.holdAt(codes, run, length) : length;
    const ofWide = wide && length - run <= wide.longest ? run : length;
    return Math.min(hold, ofContext, ofWide);
  }
  #runEnded(start, end) {
    if (start < 0)
      return;
    const { context, wide } = this.#plan;
    if (wide)
      this.#lookWide(start, end);
    const candidate = context ? contextCandidate(context, this.codes, start, end) : null;
    if (candidate)
      this.#candidates.push(candidate);
  }
  #lookWide(start, end) {
    if (this.#wideDone === start || start < 0)
      return;
    const cut = this.#plan.wide?.cut(this.codes, start, end);
    if (!cut)
      return;
    this.#wideDone = start;
    this.#cuts.push(cut);
  }
  tell(safe, visitor) {
    const cuts = this.#cuts;
    let from = this.done;
    if (cuts.length > 0) {
      this.#stretch();
      let kept = 0;
      for (const cut of cuts) {
        if (cut.start < safe) {
          if (cut.start >= this.#cutEnd) {
            if (cut.start > from)
              visitor.keep(from, cut.start);
            visitor.replace(cut.label);
          }
          this.#cutEnd = Math.max(this.#cutEnd, cut.end);
          from = Math.max(from, Math.min(this.#cutEnd, safe));
        }
        if (cut.goesOn || cut.end > safe) {
          cuts[kept] = cut;
          kept += 1;
        }
      }
      cuts.length = kept;
    }
    from = Math.max(from, Math.min(this.#cutEnd, safe));
    if (from < safe)
      visitor.keep(from, safe);
    this.done = safe;
  }
  #stretch() {
    const cuts = this.#cuts;
    if (cuts.length > 1)
      cuts.sort(compareCuts);
    const ends = new Map;
    let kept = 0;
    let covered = -Infinity;
    for (const cut of cuts) {
      const { goesOn, ...closed } = cut;
      const inside = goesOn ? cut.end <= (ends.get(goesOn) ?? -1) : cut.end <= covered;
      if (inside)
        continue;
      const end = goesOn ? endOf2(this.codes, cut.end, this.length, goesOn) : cut.end;
      if (goesOn)
        ends.set(goesOn, end);
      const isOpen = goesOn !== undefined && end === this.length && !this.ended;
      covered = Math.max(covered, end);
      cuts[kept] = isOpen ? { ...closed, end, goesOn } : { ...closed, end };
      kept += 1;
    }
    cuts.length = kept;
  }
}

// src/redact/redact.ts
function markOf(rule) {
  return `[redacted ${rule}]`;
}
function createRedactor(options = {}) {
  return new TextRedactor(planFor(options), options.mark ?? markOf);
}
function createByteRedactor(options = {}) {
  return new ByteRedactor(planFor(options), options.mark ?? markOf);
}
var usual;
function redactText(text, options) {
  const redactor = options ? createRedactor(options) : usual ??= createRedactor();
  const start = redactor.push(text);
  return start + redactor.end();
}

class Counts extends Map {
  count(rule) {
    this.set(rule, (this.get(rule) ?? 0) + 1);
  }
}

class TextRedactor {
  found = new Counts;
  #visitor;
  #sieve;
  #held = "";
  #text = "";
  #base = 0;
  #out = "";
  constructor(plan, mark) {
    this.#sieve = new Sieve(plan);
    this.#visitor = {
      keep: (from, to) => {
        this.#out += this.#text.slice(from - this.#base, to - this.#base);
      },
      replace: (rule) => {
        this.found.count(rule);
        this.#out += mark(rule);
      }
    };
  }
  get held() {
    return this.#held.length;
  }
  push(piece) {
    const sieve = this.#sieve;
    const count = sieve.readText(piece, 0);
    if (count < piece.length)
      return this.#pushLong(piece, count);
    const base = sieve.done;
    const safe = sieve.settle();
    if (!sieve.isPlain)
      return this.#tell(piece, base, safe);
    sieve.done = safe;
    const held = this.#held;
    const ofPiece = safe - base - held.length;
    if (safe === base) {
      this.#held = held + piece;
      return "";
    }
    if (ofPiece < 0) {
      this.#held = held.slice(safe - base) + piece;
      return held.slice(0, safe - base);
    }
    if (ofPiece === piece.length) {
      this.#held = "";
      return held + piece;
    }
    this.#held = piece.slice(ofPiece);
    return held + piece.slice(0, ofPiece);
  }
  #pushLong(piece, count) {
    const sieve = this.#sieve;
    let out = "";
    let from = 0;
    for (let read = count;read > 0; read = from < piece.length ? sieve.readText(piece, from) : 0) {
      const base = sieve.done;
      out += this.#tell(piece.slice(from, from + read), base, sieve.settle());
      from += read;
    }
    return out;
  }
  #tell(piece, base, safe) {
    this.#text = this.#held + piece;
    this.#base = base;
    this.#out = "";
    this.#sieve.tell(safe, this.#visitor);
    this.#held = this.#text.slice(safe - base);
    this.#text = "";
    return this.#out;
  }
  release() {
    const held = this.#held;
    if (!this.#sieve.release())
      return "";
    this.#held = "";
    return held;
  }
  end() {
    this.#text = this.#held;
    this.#base = this.#sieve.done;
    this.#out = "";
    this.#sieve.end(this.#visitor);
    this.#held = "";
    this.#text = "";
    this.#sieve.reset();
    return this.#out;
  }
}
var FIRST_OUTPUT = 256;
var MOST_KEPT_OUTPUT = 1024 * 1024;

class ByteRedactor {
  found = new Counts;
  #visitor;
  #sieve;
  #out = new Uint8Array(FIRST_OUTPUT);
  #size = 0;
  constructor(plan, mark) {
    this.#sieve = new Sieve(plan);
    this.#visitor = {
      keep: (from, to) => this.#append(this.#sieve.codes.subarray(from, to)),
      replace: (rule) => {
        this.found.count(rule);
        this.#append(utf8(mark(rule)));
      }
    };
  }
  get held() {
    return this.#sieve.length - this.#sieve.done;
  }
  push(piece) {
    this.#size = 0;
    for (let from = 0;from < piece.length; ) {
      from += this.#sieve.readBytes(piece, from);
      this.#sieve.tell(this.#sieve.settle(), this.#visitor);
    }
    return this.#taken();
  }
  #taken() {
    const taken = this.#out.slice(0, this.#size);
    if (this.#out.length > MOST_KEPT_OUTPUT)
      this.#out = new Uint8Array(FIRST_OUTPUT);
    return taken;
  }
  release() {
    const from = this.#sieve.done;
    return this.#sieve.release() ? this.#sieve.codes.slice(from, this.#sieve.done) : new Uint8Array;
  }
  end() {
    this.#size = 0;
    this.#sieve.end(this.#visitor);
    this.#sieve.reset();
    return this.#taken();
  }
  #append(bytes) {
    if (this.#size + bytes.length > this.#out.length) {
      const larger = new Uint8Array(2 * (this.#size + bytes.length));
      larger.set(this.#out.subarray(0, this.#size));
      this.#out = larger;
    }
    this.#out.set(bytes, this.#size);
    this.#size += bytes.length;
  }
}
