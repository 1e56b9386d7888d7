/** Keys that are encoded, cut or packed by accident: each writes a file in which the key does not stand as it is. */
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { camel, kebab, lower, type Slot } from './carriers.ts';
import { tar, zip } from './archives.ts';

export interface EncodedCarrier {
  readonly name: string;
  readonly family: string;
  readonly write: (slot: Slot) => string | Buffer;
  /** Its name, where what is in it goes by that. */
  readonly file?: string;
  /** Says nothing of the provider. */
  readonly nameless?: boolean;
  readonly unseen?: boolean;
  /** Nothing is found in it, and the documentation says so. */
  readonly missed?: boolean;
}

type Write = EncodedCarrier['write'];

function family(
  name: string,
  carriers: Readonly<Record<string, Write>>,
  flags: Partial<EncodedCarrier> = {},
): EncodedCarrier[] {
  return Object.entries(carriers).map(([carrier, write]) =>
    Object.assign({ name: carrier, family: name, write }, flags),
  );
}

const base64 = (text: string | Buffer): string => Buffer.from(text).toString('base64');
const base64url = (text: string | Buffer): string => Buffer.from(text).toString('base64url');
const wrap = (text: string, width: number, joint = '\n'): string =>
  (text.match(new RegExp(`.{1,${width}}`, 'g')) ?? []).join(joint);
/** So many of a list on each line. */
const inLines = (list: string, count: number): string =>
  list.replaceAll(new RegExp(`((?:[^,]+, ){${count}})`, 'g'), (line) => `${line.trimEnd()}\n    `);
const hexOf = (text: string, joint = '', prefix = ''): string =>
  [...Buffer.from(text)].map((byte) => `${prefix}${byte.toString(16).padStart(2, '0')}`).join(joint);
const codes = (text: string): number[] => [...Buffer.from(text)];
const percent = (text: string): string =>
  codes(text)
    .map((byte) => `%${byte.toString(16).padStart(2, '0').toUpperCase()}`)
    .join('');
const escapeEach =
  (format: (byte: number) => string) =>
  (text: string): string =>
    codes(text).map(format).join('');
/** As programs do: what is no letter or digit. */
const escapeSome =
  (format: (byte: number) => string) =>
  (text: string): string =>
    text.replaceAll(/[^A-Za-z0-9]/g, (character) => format(character.charCodeAt(0)));
const hex2 = (byte: number): string => byte.toString(16).padStart(2, '0');

/** As an environment file, so that the key is not all of the text. */
const environment = ({ name, key, random }: Slot): string =>
  `${random.pick(['', 'A=1\n', 'DEBUG=true\n', '# local\n\n'])}${name}=${key}\n${random.pick(['', 'B=2\n', 'PORT=8080\n'])}`;

const BASE64 = family('base64', {
  'Kubernetes secret': ({ name, key }) => `kind: Secret\ndata:\n  ${kebab(name)}: ${base64(key)}\n`,
  'with a line end': ({ name, key }) => `${name}=$(echo ${base64(`${key}\n`)} | base64 -d)\n`,
  'an environment file': (slot) => `data:\n  .env: ${base64(environment(slot))}\n`,
  'without padding': (slot) => `x=${base64(environment(slot)).replaceAll('=', '')}\n`,
  'URL-safe': (slot) => `https://x.example/?s=${base64url(environment(slot))}&a=1\n`,
  'wrapped at 64': (slot) =>
    `blob: |\n  ${wrap(base64(`${'text before. '.repeat(6)}${environment(slot)}${'text behind. '.repeat(6)}`), 64, '\n  ')}\n`,
  'wrapped at 76, CRLF': (slot) =>
    `Content-Transfer-Encoding: base64\r\n\r\n${wrap(base64(`${'text before. '.repeat(9)}${environment(slot)}${'text behind. '.repeat(9)}`), 76, '\r\n')}\r\n\r\n--x`,
  'data URI': (slot) => `<a href="data:text/plain;base64,${base64(environment(slot))}">x</a>\n`,
  'basic, as user': ({ vendor, key }) => `# ${vendor} key\nAuthorization: Basic ${base64(`${key}:`)}\n`,
  'basic, as password': ({ vendor, key }) => `Authorization: Basic ${base64(`${vendor}:${key}`)}\n`,
  'Docker config': ({ vendor, key }) =>
    JSON.stringify({ auths: { 'x.example': { auth: base64(`${vendor}:${key}`) } } }, null, 2),
  'JSON inside': (slot) =>
    JSON.stringify({ p: base64(JSON.stringify({ [lower(slot.name)]: slot.key, n: 1 })) }),
  'JWT payload': (slot) =>
    `${base64url('{"alg":"none"}')}.${base64url(JSON.stringify({ [slot.name]: slot.key }))}.\n`,
  'in a string of Python': ({ name, key }) => `import base64\n${name} = base64.b64decode("${base64(key)}")\n`,
  'literals joined': ({ name, key, random }) =>
    `const ${camel(name)} = atob(${random
      .cut(base64(key), 2)
      .map((part) => `"${part}"`)
      .join(' + ')});\n`,
  'literals joined at 20': ({ name, key }) =>
    `const ${camel(name)} = atob("${wrap(base64(`=${key}`), 20, '" +\n  "')}");\n`,
  'halves encoded apart': ({ name, key, random }) => {
    const [one = '', two = ''] = random.cut(key, 2);
    return `const ${camel(name)} = atob("${base64(one)}") + atob("${base64(two)}");\n`;
  },
  twice: (slot) => `x: ${base64(base64(environment(slot)))}\n`,
  'escaped slashes': (slot) =>
    JSON.stringify({ d: base64(`?>~${environment(slot)}?>~ÿ`) }).replaceAll('/', '\\/'),
  'behind bytes': (slot) =>
    `x: ${base64(Buffer.concat([slot.random.bytes(17), Buffer.from(environment(slot)), slot.random.bytes(9)]))}\n`,
});

const HEXADECIMAL = family('hexadecimal', {
  lower: ({ name, key }) => `${name} = "${hexOf(key)}"\n`,
  upper: ({ name, key }) => `${name} = "${hexOf(key).toUpperCase()}"\n`,
  'behind 0x': ({ name, key }) => `const ${name} = 0x${hexOf(key)};\n`,
  'an environment file': (slot) => `x'${hexOf(environment(slot))}'\n`,
  colons: ({ name, key }) => `${name}: ${hexOf(key, ':')}\n`,
  spaces: ({ name, key }) => `${name}: ${hexOf(key, ' ').toUpperCase()}\n`,
  '0x each': ({ name, key }) =>
    `static const unsigned char ${lower(name)}[] = { ${hexOf(key, ', ', '0x')} };\n`,
  '0x each, over lines': ({ name, key }) =>
    `unsigned char ${lower(name)}[] = {\n  ${inLines(hexOf(key, ', ', '0x'), 12)}\n};\n`,
  'byte escapes': ({ name, key }) => `${lower(name)} = b"${escapeEach((byte) => `\\x${hex2(byte)}`)(key)}"\n`,
  'SQL literal': ({ name, key }) =>
    `INSERT INTO t (${lower(name)}) VALUES (0x${hexOf(key).toUpperCase()});\n`,
  'pairs of a dump': ({ name, key }) => `${wrap(hexOf(`${name}=${key}\n`), 4, ' ')}\n`,
  twice: ({ name, key }) => `${name}=${hexOf(hexOf(key))}\n`,
});

const ESCAPES = family('escapes', {
  percent: ({ name, key }) =>
    `https://x.example/?${lower(name)}=${escapeSome((byte) => `%${hex2(byte).toUpperCase()}`)(key)}&x=1\n`,
  'every character in percent': ({ name, key }) => `?${lower(name)}=${percent(key)}&x=1\n`,
  'percent twice': ({ name, key }) => `?u=${lower(name)}%3D${percent(key).replaceAll('%', '%25')}%26x\n`,
  'percent of some, twice': ({ name, key }) =>
    `?u=${lower(name)}%253D${escapeSome((byte) => `%25${hex2(byte).toUpperCase()}`)(key)}%2526x\n`,
  '\\u of some': ({ name, key }) =>
    `{"${camel(name)}":"${escapeSome((byte) => `\\u00${hex2(byte)}`)(key)}"}\n`,
  '\\u of all': ({ name, key }) =>
    `{"${camel(name)}":"${escapeEach((byte) => `\\u00${hex2(byte)}`)(key)}"}\n`,
  '\\u in JSON in JSON': ({ name, key }) =>
    `{"a":"{\\"${camel(name)}\\":\\"${escapeEach((byte) => `\\\\u00${hex2(byte)}`)(key)}\\"}"}\n`,
  '\\u{}': ({ name, key }) =>
    `let ${camel(name)} = "${escapeEach((byte) => `\\u{${byte.toString(16)}}`)(key)}";\n`,
  '\\u{} of some': ({ name, key }) =>
    `let ${camel(name)} = "${escapeSome((byte) => `\\u{${byte.toString(16)}}`)(key)}";\n`,
  '\\U': ({ name, key }) => `${lower(name)} = "${escapeEach((byte) => `\\U000000${hex2(byte)}`)(key)}"\n`,
  '\\x of some': ({ name, key }) => `${lower(name)} = "${escapeSome((byte) => `\\x${hex2(byte)}`)(key)}"\n`,
  octal: ({ name, key }) =>
    `char *${lower(name)} = "${escapeEach((byte) => `\\${byte.toString(8).padStart(3, '0')}`)(key)}";\n`,
  'octal of some': ({ name, key }) =>
    `${lower(name)} = "${escapeSome((byte) => `\\${byte.toString(8).padStart(3, '0')}`)(key)}"\n`,
  'CSS escapes': ({ name, key }) =>
    `--${kebab(name)}: "${escapeSome((byte) => `\\0000${hex2(byte)}`)(key)}";\n`,
  'HTML, decimal': ({ name, key }) =>
    `<input name="${lower(name)}" value="${escapeSome((byte) => `&#${byte};`)(key)}">\n`,
  'HTML, hexadecimal': ({ name, key }) =>
    `<b>${name}</b>: ${escapeSome((byte) => `&#x${hex2(byte)};`)(key)}\n`,
  'HTML of all': ({ name, key }) => `${lower(name)}=${escapeEach((byte) => `&#${byte};`)(key)}\n`,
  'HTML, padded': ({ name, key }) =>
    `${lower(name)}=${escapeEach((byte) => `&#x00${hex2(byte).toUpperCase()};`)(key)}\n`,
  'quoted-printable': ({ name, key }) =>
    `${name}=3D${escapeSome((byte) => `=${hex2(byte).toUpperCase()}`)(key)}\r\n`,
  'quoted-printable, soft breaks': ({ name, key }) =>
    `Content-Transfer-Encoding: quoted-printable\r\n\r\n${wrap(`${'text '.repeat(9)}${name} is ${key} and more text behind it, of some length.`, 75, '=\r\n')}\r\n`,
  'quoted-printable, soft breaks of LF': ({ name, key }) =>
    `${wrap(`Text before it, of ${name}: ${key} and more text behind it, of some length.`, 60, '=\n')}\n`,
  'behind a backslash': ({ name, key }) => `| ${name} | ${key.replaceAll(/[_-]/g, '\\$&')} |\n`,
});

const CODES = family('character codes', {
  fromCharCode: ({ name, key }) => `var ${camel(name)}=String.fromCharCode(${codes(key).join(',')});`,
  'array of numbers': ({ name, key }) => `const ${camel(name)} = [${codes(key).join(', ')}];\n`,
  'array over lines': ({ name, key }) =>
    `${lower(name)} = bytes([\n    ${inLines(codes(key).join(', '), 13)}\n])\n`,
  'one on a line': ({ name, key }) => JSON.stringify({ [camel(name)]: codes(key) }, null, 2),
  'Buffer in JSON': ({ name, key }) =>
    JSON.stringify({ [camel(name)]: { type: 'Buffer', data: codes(key) } }),
  'spaces between': ({ name, key }) => `${name}: ${codes(key).join(' ')}\n`,
  'chr of PHP': ({ name, key }) =>
    `$${lower(name)} = ${codes(key)
      .map((code) => `chr(${code})`)
      .join('.')};\n`,
  'Go bytes': ({ name, key }) => `var ${camel(name)} = []byte{${hexOf(key, ', ', '0x')}}\n`,
});

const JOINED = family('joined literals', {
  'JavaScript, halves': (slot) => halves(slot, ' + ', '"', 2),
  'JavaScript, short': (slot) => halves(slot, ' + ', "'", 6),
  'JavaScript, over lines': (slot) => halves(slot, ' +\n  ', "'", 4),
  'operator in front': (slot) => halves(slot, '\n    + ', '"', 3),
  'template literals': (slot) => halves(slot, ' + ', '`', 3),
  minified: (slot) => halves(slot, '+', '"', 4),
  'Python, side by side': (slot) => halves(slot, ' ', '"', 3),
  'Python, over lines': (slot) => halves(slot, '\n        ', '"', 5),
  'Python f-strings': ({ name, key, random }) =>
    `${lower(name)} = (${random
      .cut(key, 3)
      .map((part) => `f"${part}"`)
      .join('\n    ')})\n`,
  PHP: (slot) => halves(slot, ' . ', "'", 4),
  'PHP, no spaces': (slot) => halves(slot, '.', "'", 4),
  Lua: (slot) => halves(slot, ' .. ', '"', 4),
  SQL: (slot) => halves(slot, ' || ', "'", 4),
  'Visual Basic': (slot) => halves(slot, ' & ', '"', 4),
  'Visual Basic, over lines': (slot) => halves(slot, ' & _\r\n    ', '"', 3),
  Elixir: (slot) => halves(slot, ' <> ', '"', 3),
  Haskell: (slot) => halves(slot, ' ++ ', '"', 3),
  Perl: (slot) => halves(slot, ' ~ ', "'", 3),
  'C over lines': (slot) => halves(slot, '\n    ', '"', 4),
  'Ruby, backslash': (slot) => halves(slot, ' \\\n    ', "'", 3),
  'a line that goes on': ({ name, key, random }) => `${name}=${random.cut(key, 2).join('\\\n')}\n`,
  'plus equals': ({ name, key, random }) => {
    const [first = '', ...rest] = random.cut(key, 3);
    return `${lower(name)} = "${first}"\n${rest.map((part) => `${lower(name)} += "${part}"\n`).join('')}`;
  },
  'list joined': ({ name, key, random }) =>
    `const ${camel(name)} = [${random
      .cut(key, 4)
      .map((part) => `'${part}'`)
      .join(', ')}].join('');\n`,
  'concat call': ({ name, key, random }) =>
    `SET @${lower(name)} = CONCAT(${random
      .cut(key, 3)
      .map((part) => `'${part}'`)
      .join(', ')});\n`,
  'Java, over lines': (slot) => halves(slot, '\n      + ', '"', 5),
});

function halves({ name, key, random }: Slot, joint: string, quote: string, pieces: number): string {
  const parts = random.cut(key, pieces).map((part) => `${quote}${part}${quote}`);
  return `${lower(name)} = (${parts.join(joint)});\n`;
}

const wide = (text: string, bytes: 2 | 4, big: boolean): Buffer => {
  const out = Buffer.alloc(text.length * bytes);
  for (const [index, code] of codes(text).entries()) out[index * bytes + (big ? bytes - 1 : 0)] = code;
  return out;
};

const WIDE = family('UTF-16 and UTF-32', {
  'UTF-16 LE': (slot) => wide(environment(slot), 2, false),
  'UTF-16 BE': (slot) => wide(environment(slot), 2, true),
  'UTF-16 LE with a mark': (slot) => Buffer.from(`\ufeff${environment(slot)}`, 'utf16le'),
  'UTF-16 BE with a mark': (slot) => Buffer.from(`\ufeff${environment(slot)}`, 'utf16le').swap16(),
  'UTF-16, a registry file': ({ name, key }) =>
    Buffer.from(
      `\ufeffWindows Registry Editor Version 5.00\r\n\r\n[HKEY_CURRENT_USER\\Environment]\r\n"${name}"="${key}"\r\n`,
      'utf16le',
    ),
  'UTF-16 in a program': (slot) =>
    Buffer.concat([
      slot.random.bytes(33),
      wide(` ${slot.name}=${slot.key} `, 2, false),
      slot.random.bytes(20),
    ]),
  'UTF-32 LE': (slot) => wide(environment(slot), 4, false),
  'UTF-32 BE': (slot) => wide(environment(slot), 4, true),
});

const PACKED = family('packed', {
  gzip: (slot) => gzipSync(environment(slot)),
  zip: (slot) => zip([{ name: 'app/.env', content: environment(slot) }]),
  'zip, stored': (slot) => zip([{ name: 'app/.env', content: environment(slot), stored: true }]),
  docx: ({ name, key }) =>
    zip([
      { name: '[Content_Types].xml', content: '<Types/>' },
      { name: 'word/document.xml', content: `<w:p><w:r><w:t>${name}: ${key}</w:t></w:r></w:p>` },
    ]),
  'docx, key cut into runs': ({ name, key, random }) =>
    zip([
      {
        name: 'word/document.xml',
        content: `<w:p>${[`${name}: `, ...random.cut(key, 2)].map((part) => `<w:r><w:t>${part}</w:t></w:r>`).join('')}</w:p>`,
      },
    ]),
  tar: (slot) => tar([{ name: 'app/.env', content: environment(slot) }]),
  'tar in gzip': (slot) => gzipSync(tar([{ name: 'app/.env', content: environment(slot) }])),
  'zip in zip': (slot) =>
    zip([{ name: 'a.zip', content: zip([{ name: '.env', content: environment(slot) }]) }]),
  'zlib stream': (slot) => deflateSync(environment(slot)),
  'gzip in base64': (slot) => `data:\n  release: ${base64(gzipSync(environment(slot)))}\n`,
  'Helm release': (slot) =>
    `data:\n  release: ${base64(base64(gzipSync(JSON.stringify({ config: { [slot.name]: slot.key }, n: 'x'.repeat(99) }))))}\n`,
  'zlib in base64': (slot) => `x = zlib.decompress(b64decode("${base64(deflateSync(environment(slot)))}"))\n`,
  'zip in base64': (slot) => `{"file":"${base64(zip([{ name: '.env', content: environment(slot) }]))}"}\n`,
  'deflate in base64': (slot) =>
    `<input name="SAMLRequest" value="${base64(deflateRawSync(`<x><${camel(slot.name)}>${slot.key}</${camel(slot.name)}></x>`))}"/>\n`,
});

const LAYERS = family('one in another', {
  'base64 in percent': (slot) => `?x=${encodeURIComponent(base64(environment(slot)))}&y=1\n`,
  'base64 in hex': ({ name, key }) => `${name}=${hexOf(base64(key))}\n`,
  'hex in base64': ({ name, key }) => `x=${base64(`${name}=${hexOf(key)}`)}\n`,
  'escapes in base64': ({ name, key }) =>
    `x=${base64(`{"${camel(name)}":"${escapeSome((byte) => `\\u00${hex2(byte)}`)(key)}"}`)}\n`,
  'base64 in UTF-16': (slot) => Buffer.from(`\ufeffx: ${base64(environment(slot))}\r\n`, 'utf16le'),
  'base64 in a zip': (slot) =>
    zip([{ name: 'secret.yaml', content: `data:\n  k: ${base64(environment(slot))}\n` }]),
  'joined, then escaped': ({ name, key, random }) =>
    JSON.stringify({
      code: `${lower(name)} = ${random
        .cut(key, 2)
        .map((part) => `"${part}"`)
        .join(' + ')};\n`,
    }),
  'UTF-16 in base64': ({ name, key }) =>
    `powershell -EncodedCommand ${base64(Buffer.from(`$env:${name}="${key}"; .\\run`, 'utf16le'))}\n`,
  'HTML in JSON': ({ name, key }) =>
    JSON.stringify({ html: `<i id="${kebab(name)}">${escapeSome((byte) => `&#${byte};`)(key)}</i>` }),
});

const UNSEEN = family(
  'unseen',
  {
    'base64, cut by tags': ({ name, key }) =>
      `<v n="${name}">\n    ${wrap(base64(`${key}${'.'.repeat(30)}`), 76, '\n    ')}\n</v>\n`,
    'PEM-like block': (slot) =>
      `-----BEGIN DATA-----\n${wrap(base64(environment(slot)), 64)}\n-----END DATA-----\n`,
    'base64 in a comment': (slot) => `// ${base64(environment(slot))}\n`,
    'base64 glued to a name': (slot) => `cfg_${base64(environment(slot))}\n`,
    'base64 of YAML': ({ vendor, key }) => `x: !!binary ${base64(`${vendor}:\n  api_key: ${key}\n`)}\n`,
    'base64 in a query, percent': (slot) => `https://x.example/?d=${percent(base64(environment(slot)))}\n`,
    'hex dump of xxd': (slot) => dump(environment(slot), 'xxd'),
    'hex dump of hexdump -C': (slot) => dump(environment(slot), 'hexdump'),
    'hex with dashes': ({ name, key }) => `${name}: ${hexOf(key, '-').toUpperCase()}\n`,
    'hex, bare \\x in JSON': ({ name, key }) =>
      `{"${name}":"${escapeEach((byte) => `\\\\x${hex2(byte)}`)(key)}"}\n`,
    Uint8Array: ({ name, key }) =>
      `let ${camel(name)} = new TextDecoder().decode(new Uint8Array([${codes(key).join(',')}]))\n`,
    'char literals': ({ name, key }) =>
      `char ${lower(name)}[] = {${key
        .split('')
        .map((one) => `'${one}'`)
        .join(', ')}, 0};\n`,
    'octal in shell': ({ name, key }) => `${name}=$'${escapeEach((byte) => `\\${byte.toString(8)}`)(key)}'\n`,
    'Swift unicode scalars': ({ name, key }) =>
      `let ${camel(name)} = "${escapeSome((byte) => `\\u{00${hex2(byte).toUpperCase()}}`)(key)}"\n`,
    'Java unicode': ({ name, key }) =>
      `String ${camel(name)} = "${escapeEach((byte) => `\\u00${hex2(byte).toUpperCase()}`)(key)}";\n`,
    'joined in JSX': ({ name, key, random }) => {
      const [one = '', two = ''] = random.cut(key, 2);
      return `<A ${camel(name)}={'${one}' + '${two}'} />\n`;
    },
    'joined by concat': ({ name, key, random }) => {
      const [one = '', two = ''] = random.cut(key, 2);
      return `const ${camel(name)} = '${one}'.concat('${two}');\n`;
    },
    'joined by interpolation': ({ name, key, random }) => {
      const [one = '', two = ''] = random.cut(key, 2);
      return `const ${camel(name)} = \`${one}\${'${two}'}\`;\n`;
    },
    'joined in shell': ({ name, key, random }) =>
      `${name}=${random
        .cut(key, 2)
        .map((part) => `"${part}"`)
        .join('')}\n`,
    'Kotlin, over lines': (slot) => halves(slot, ' +\n        ', '"', 4),
    'Go, over lines': (slot) => halves(slot, ' +\n\t\t', '"', 3),
    'base64 gzip of JSON': (slot) =>
      JSON.stringify({ z: base64(gzipSync(JSON.stringify({ [slot.name]: slot.key }))) }),
    xlsx: ({ name, key }) =>
      zip([
        { name: 'xl/sharedStrings.xml', content: `<sst><si><t>${name}</t></si><si><t>${key}</t></si></sst>` },
      ]),
    jar: ({ name, key }) =>
      zip([{ name: 'application.properties', content: `${lower(name).replaceAll('_', '.')}=${key}\n` }]),
    'npm package': (slot) =>
      gzipSync(tar([{ name: 'package/index.js', content: `exports.k = "${slot.key}"; // ${slot.name}\n` }])),
    'UTF-16 JSON': ({ name, key }) => Buffer.from(JSON.stringify({ [name]: key }, null, 2), 'utf16le'),
    'form in JSON': ({ name, key }) => JSON.stringify({ body: `${lower(name)}=${percent(key)}&x=1` }),
    'query in HTML': ({ name, key }) =>
      `<a href="?a=1&amp;${lower(name)}=${escapeSome((byte) => `%${hex2(byte)}`)(key)}&amp;b=2">\n`,
  },
  { unseen: true },
);

/** Lines of sixteen bytes, as programs show them. */
function dump(text: string, style: 'xxd' | 'hexdump'): string {
  const lines: string[] = [];
  for (let at = 0; at < text.length; at += 16) {
    const part = text.slice(at, at + 16);
    const shown = part.replaceAll(/[^ -~]/g, '.');
    const place = at.toString(16).padStart(8, '0');
    lines.push(
      style === 'xxd'
        ? `${place}: ${wrap(hexOf(part), 4, ' ').padEnd(39)}  ${shown}`
        : `${place}  ${hexOf(part, ' ').padEnd(48)}  |${shown}|`,
    );
  }
  return `${lines.join('\n')}\n`;
}

/** What the scanner does not see through. */
const MISSED = new Set([
  'halves encoded apart',
  'chr of PHP',
  'zlib stream',
  'zip in base64',
  'deflate in base64',
  'hex dump of xxd',
  'hex dump of hexdump -C',
  'char literals',
]);

export const ENCODINGS: readonly EncodedCarrier[] = [
  ...BASE64,
  ...HEXADECIMAL,
  ...ESCAPES,
  ...CODES,
  ...JOINED,
  ...WIDE,
  ...PACKED,
  ...LAYERS,
  ...UNSEEN,
].map((carrier) =>
  Object.assign(carrier, {
    missed: MISSED.has(carrier.name),
    ...(carrier.name.startsWith('docx') ? { file: 'report.docx' } : {}),
  }),
);
