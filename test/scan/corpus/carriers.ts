/** Where keys stand in real files, as they are: each carrier writes a piece of a file with the key in it. `unseen` ones were tried last. */
import type { Random } from './random.ts';

export interface Slot {
  readonly key: string;
  /** Of a variable: `GROQ_API_KEY`. */
  readonly name: string;
  readonly vendor: string;
  readonly random: Random;
}

export interface Carrier {
  readonly name: string;
  readonly family: string;
  readonly write: (slot: Slot) => string;
  /** Says nothing of the provider, so that a key without a shape cannot be told. */
  readonly nameless?: boolean;
  readonly unseen?: boolean;
}

export const lower = (name: string): string => name.toLowerCase();
export const kebab = (name: string): string => lower(name).replaceAll('_', '-');
export const camel = (name: string): string =>
  lower(name).replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
export const pascal = (name: string): string => camel(name).replace(/^./, (letter) => letter.toUpperCase());

type Write = Carrier['write'];

function family(
  name: string,
  carriers: Readonly<Record<string, Write>>,
  flags: Partial<Carrier> = {},
): Carrier[] {
  return Object.entries(carriers).map(([carrier, write]) =>
    Object.assign({ name: carrier, family: name, write }, flags),
  );
}

const CONFIGURATION = family('configuration', {
  '.env': ({ name, key }) => `DEBUG=1\n${name}=${key}\nPORT=3000\n`,
  '.env quoted': ({ name, key }) => `${name}="${key}"\n`,
  '.env with spaces and a comment': ({ name, key }) => `${name} = '${key}' # rotate in May\n`,
  'shell export': ({ name, key }) => `#!/bin/sh\nexport ${name}=${key}; ./run.sh\n`,
  'inline environment': ({ name, key }) => `${name}=${key} npm start && echo done\n`,
  PowerShell: ({ name, key }) => `$env:${name} = "${key}"\r\n`,
  'PowerShell setter': ({ name, key }) =>
    `[Environment]::SetEnvironmentVariable("${name}", "${key}", "User")\r\n`,
  'cmd SET': ({ name, key }) => `@echo off\r\nSET ${name}=${key}\r\nset "${name}=${key}"\r\n`,
  setx: ({ name, key }) => `setx ${name} "${key}"\r\n`,
  fish: ({ name, key }) => `set -gx ${name} ${key}\n`,
  INI: ({ name, key }) => `[llm]\n${lower(name)} = ${key}\nmodel = large\n`,
  properties: ({ name, key }) => `app.${lower(name).replaceAll('_', '.')}=${key}\napp.port=8080\n`,
  TOML: ({ name, key }) => `[providers.main]\n${lower(name)} = "${key}"\n`,
  'TOML section': ({ vendor, key }) => `[providers.${vendor}]\nenabled = true\napi_key = "${key}"\n`,
  JSON: ({ name, key }) => JSON.stringify({ debug: true, [camel(name)]: key, port: 3000 }, null, 2),
  'JSON on one line': ({ name, key }) => JSON.stringify({ [lower(name)]: key, n: 1 }),
  'JSON nested': ({ vendor, key }) =>
    JSON.stringify({ providers: { [vendor]: { apiKey: key, timeout: 30 } } }, null, 2),
  JSON5: ({ name, key }) => `{\n  // local\n  ${camel(name)}: '${key}',\n}\n`,
  YAML: ({ name, key }) => `llm:\n  ${lower(name)}: ${key}\n  model: large\n`,
  'YAML quoted': ({ name, key }) => `${camel(name)}: "${key}"\r\n`,
  'YAML nested': ({ vendor, key }) => `providers:\n  ${vendor}:\n    api_key: ${key}\n    region: eu\n`,
  'YAML block scalar': ({ name, key }) => `${lower(name)}: |\n  ${key}\nother: 1\n`,
  'YAML folded scalar': ({ name, key }) => `${lower(name)}: >-\n    ${key}\n`,
  'YAML name and value': ({ name, key }) => `env:\n  - name: ${name}\n    value: ${key}\n`,
  'YAML name and quoted value': ({ name, key }) => `env:\n  - name: ${name}\n    value: "${key}"\n`,
  compose: ({ name, key }) => `services:\n  app:\n    environment:\n      - ${name}=${key}\n      - A=1\n`,
  'compose map': ({ name, key }) => `    environment:\n      ${name}: ${key}\n`,
  'Dockerfile ENV': ({ name, key }) => `FROM node:24\nENV ${name}=${key} NODE_ENV=production\n`,
  'Dockerfile ENV, old form': ({ name, key }) => `ENV ${name} ${key}\n`,
  'Dockerfile ARG': ({ name, key }) => `ARG ${name}=${key}\nRUN make\n`,
  ConfigMap: ({ name, key }) =>
    `kind: ConfigMap\ndata:\n  app.properties: |\n    a=1\n    ${lower(name)}=${key}\n`,
  'Secret stringData': ({ name, key }) => `kind: Secret\nstringData:\n  ${kebab(name)}: ${key}\n`,
  Terraform: ({ name, key }) => `variable "${lower(name)}" {\n  type    = string\n  default = "${key}"\n}\n`,
  tfvars: ({ name, key }) => `${lower(name)} = "${key}"\n`,
  'Helm values': ({ name, key }) => `secrets:\n  ${camel(name)}: '${key}'\nreplicas: 2\n`,
  'Helm --set': ({ vendor, key }) => `helm install app . --set ${vendor}.apiKey=${key} --wait\n`,
  'GitHub Actions': ({ name, key }) =>
    `jobs:\n  test:\n    env:\n      ${name}: ${key}\n    steps:\n      - run: npm test\n`,
  'Azure DevOps': ({ name, key }) => `variables:\n- name: ${name}\n  value: '${key}'\n`,
  systemd: ({ name, key }) => `[Service]\nEnvironment="${name}=${key}"\nExecStart=/usr/bin/app\n`,
  'nginx header': ({ vendor, key }) =>
    `location / {\n  proxy_set_header X-${vendor}-Key "${key}";\n  proxy_pass https://x;\n}\n`,
  'application.yml placeholder default': ({ name, key }) => `key: \${${name}:${key}}\n`,
  'shell default': ({ name, key }) => `: "\${${name}:=${key}}"\n`,
  'Vite define': ({ name, key }) => `define: { 'process.env.${name}': JSON.stringify('${key}') },\n`,
});

const CODE = family('code', {
  'TypeScript constant': ({ name, key }) => `export const ${name}: string = '${key}';\n`,
  'TypeScript field': ({ name, key }) =>
    `class C {\n  private readonly ${camel(name)}: string = "${key}";\n}\n`,
  'object literal': ({ name, key }) => `const c = { ${camel(name)}: '${key}', model: 'large' };\n`,
  'template literal': ({ name, key }) => `const ${camel(name)} = \`${key}\`;\n`,
  'template literal, bearer': ({ name, key }) =>
    `const ${camel(name)} = 1; fetch(u, { headers: { Authorization: \`Bearer ${key}\` } });\n`,
  'fallback ||': ({ name, key }) => `const k = process.env.${name} || '${key}';\n`,
  'fallback ??': ({ name, key }) => `const k = process.env.${name} ?? "${key}";\n`,
  minified: ({ name, key }) => `var a=1,b={${camel(name)}:"${key}",c:2};d(b)`,
  'Python constant': ({ name, key }) => `import os\n${name} = "${key}"\n`,
  'Python environment': ({ name, key }) => `os.environ["${name}"] = '${key}'\n`,
  'Python getenv default': ({ name, key }) => `k = os.getenv("${name}", "${key}")\n`,
  'Python raw string': ({ name, key }) => `${lower(name)} = r"${key}"\n`,
  'Python bytes': ({ name, key }) => `${lower(name)} = b'${key}'\n`,
  'Python f-string': ({ name, key }) => `h = f"${lower(name)}=${key}&n={n}"\n`,
  'Python triple quotes': ({ name, key }) => `${lower(name)} = """${key}"""\n`,
  'Python client': ({ vendor, key }) => `client = ${pascal(vendor)}(api_key="${key}", timeout=3)\n`,
  'Python typed': ({ name, key }) => `${lower(name)}: Final[str] = "${key}"\n`,
  'Python dictionary': ({ name, key }) => `keys = {'${lower(name)}': '${key}'}\n`,
  Go: ({ name, key }) => `const ${camel(name)} = "${key}"\n`,
  'Go raw string': ({ name, key }) => `${camel(name)} := \`${key}\`\n`,
  'Go Setenv': ({ name, key }) => `os.Setenv("${name}", "${key}")\n`,
  'Go struct': ({ name, key }) => `cfg := Config{${pascal(name)}: "${key}"}\n`,
  Rust: ({ name, key }) => `pub const ${name}: &'static str = "${key}";\n`,
  'Rust raw string': ({ name, key }) => `let ${lower(name)} = r#"${key}"#;\n`,
  Java: ({ name, key }) => `private static final String ${name} = "${key}";\n`,
  'Java annotation': ({ vendor, key }) => `@Value("\${${vendor}.api.key:${key}}")\n`,
  'C#': ({ name, key }) => `public const string ${pascal(name)} = @"${key}";\n`,
  C: ({ name, key }) => `#define ${name} "${key}"\n`,
  'C array': ({ name, key }) => `static const char ${lower(name)}[] = "${key}";\n`,
  PHP: ({ name, key }) => `<?php define('${name}', '${key}');\n`,
  'PHP array': ({ name, key }) => `return ['${lower(name)}' => '${key}', 'x' => 1];\n`,
  'PHP constant': ({ name, key }) => `const ${name} = '${key}';\n`,
  Ruby: ({ name, key }) => `ENV['${name}'] ||= '${key}'\n`,
  'Ruby symbol': ({ name, key }) => `config = { :${lower(name)} => "${key}" }\n`,
  'Ruby keyword': ({ vendor, key }) => `client = ${pascal(vendor)}::Client.new(access_token: "${key}")\n`,
  Kotlin: ({ name, key }) => `val ${camel(name)}: String = "${key}"\n`,
  Swift: ({ name, key }) => `let ${camel(name)}: String = "${key}"\n`,
  Dart: ({ name, key }) => `static const String ${camel(name)} = '${key}';\n`,
  Scala: ({ name, key }) => `val ${camel(name)} = """${key}"""\n`,
  Perl: ({ name, key }) => `my $${lower(name)} = q{${key}};\n`,
  Lua: ({ name, key }) => `local ${lower(name)} = [[${key}]]\n`,
  Elixir: ({ vendor, key }) => `config :${vendor}, api_key: "${key}"\n`,
  Clojure: ({ name, key }) => `{:${kebab(name)} "${key}"}\n`,
  R: ({ name, key }) => `Sys.setenv(${name} = "${key}")\n`,
  'plus equals': ({ name, key }) => `${lower(name)} += "${key}"\n`,
  'comment, line': ({ name, key }) => `x = 1  // ${name}: ${key}\n`,
  'comment, hash': ({ name, key }) => `# ${name} ${key}\n`,
  'comment, block': ({ name, key }) => `/*\n * ${name} = ${key}\n */\n`,
  'comment, HTML': ({ name, key }) => `<!-- ${name}: ${key} -->\n`,
  'comment behind the value': ({ name, key }) =>
    `const k = "${key}"; // ${lower(name).replaceAll('_', ' ')}\n`,
  'test assertion': ({ name, key }) => `assert.equal(config.${camel(name)}, "${key}");\n`,
  heredoc: ({ name, key }) => `cat > .env <<EOF\nA=1\n${name}=${key}\nEOF\n`,
  GraphQL: ({ name, key }) => `mutation { set(name: "${name}", value: "${key}") { id } }\n`,
});

const TEXT = family('text', {
  Markdown: ({ vendor, key }) => `Use the ${vendor} key ${key} for tests.\n`,
  'Markdown code': ({ name, key }) => `Set \`${name}\` to \`${key}\`.\n`,
  'Markdown table': ({ name, key }) => `| Name | Value |\n|---|---|\n| ${name} | ${key} |\n`,
  'Markdown table with code': ({ name, key }) => `| \`${name}\` | \`${key}\` |\n`,
  'Markdown fence': ({ name, key }) => `\`\`\`sh\nexport ${name}=${key}\n\`\`\`\n`,
  'Markdown bold': ({ name, key }) => `- ${name}: **${key}**\n`,
  'Markdown link': ({ vendor, key }) => `[run it](https://api.${vendor}.example/v1?api_key=${key})\n`,
  reStructuredText: ({ name, key }) => `:${name}: \`\`${key}\`\`\n`,
  CSV: ({ name, key }) => `1,${name},${key},2026-01-01\n`,
  'CSV quoted': ({ name, key }) => `"1","${name}","${key}","x"\n`,
  'CSV with a head': ({ name, key }) => `id,${lower(name)},owner\n7,${key},ann\n`,
  'CSV by vendor': ({ vendor, key }) => `provider,key\n${vendor},${key}\n`,
  'CSV with semicolons': ({ name, key }) => `7;${name};${key};ann\n`,
  TSV: ({ name, key }) => `${name}\t${key}\tann\n`,
  'TSV with a head': ({ name, key }) => `id\t${lower(name)}\n7\t${key}\n`,
  'XML element': ({ name, key }) => `<config><${camel(name)}>${key}</${camel(name)}></config>\n`,
  'XML nested': ({ vendor, key }) => `<${vendor}>\n  <apiKey>${key}</apiKey>\n</${vendor}>\n`,
  'XML attribute': ({ name, key }) => `<provider ${camel(name)}="${key}" enabled="true"/>\n`,
  'XML key and value': ({ name, key }) => `<add key="${name}" value="${key}" />\n`,
  'XML value before key': ({ name, key }) => `<add value="${key}" key="${name}" />\n`,
  plist: ({ name, key }) => `<key>${name}</key>\n<string>${key}</string>\n`,
  'Android resource': ({ name, key }) => `<string name="${lower(name)}">${key}</string>\n`,
  CDATA: ({ name, key }) => `<${camel(name)}><![CDATA[${key}]]></${camel(name)}>\n`,
  'HTML meta': ({ name, key }) => `<meta name="${kebab(name)}" content="${key}">\n`,
  'HTML data': ({ name, key }) => `<div data-${kebab(name)}='${key}' class="x"></div>\n`,
  'HTML script': ({ name, key }) => `<script>window.${name}="${key}"</script>\n`,
  'HTML input': ({ name, key }) => `<input type="hidden" name="${lower(name)}" value="${key}"/>\n`,
  'SQL insert': ({ vendor, key }) =>
    `INSERT INTO credentials (provider, api_key) VALUES ('${vendor}', '${key}');\n`,
  'SQL insert, key first': ({ vendor, key }) =>
    `INSERT INTO api_keys (key, provider) VALUES ('${key}', '${vendor}');\n`,
  'SQL column': ({ name, key }) => `INSERT INTO t (id, ${lower(name)}) VALUES (7, '${key}');\n`,
  'SQL update': ({ name, key }) => `UPDATE settings SET ${lower(name)} = '${key}' WHERE id = 1;\n`,
  'SQL dump': ({ name, key }) => `COPY settings (name, value) FROM stdin;\n${name}\t${key}\n\\.\n`,
  'psql table': ({ name, key }) => ` 12 | ${lower(name)}      | ${key} | t\n`,
  diff: ({ name, key }) => `@@ -1 +1 @@\n-${name}=\n+${name}=${key}\n`,
  'chat message': ({ vendor, key }) => `ann: here is the ${vendor} api key: ${key}\n`,
  'e-mail': ({ vendor, key }) => `Hi,\r\n\r\nthe ${vendor} token is ${key}.\r\n\r\nBye\r\n`,
  'URL query': ({ name, key }) => `https://x.example/v1/models?${lower(name)}=${key}&alt=json\n`,
  'URL fragment': ({ name, key }) => `https://x.example/cb#${lower(name)}=${key}&state=1\n`,
  'URL of the vendor': ({ vendor, key }) => `https://api.${vendor}.example/v1?key=${key}\n`,
  'URL user': ({ vendor, key }) => `https://${vendor}:${key}@x.example/v1\n`,
});

const TRAFFIC = family('traffic', {
  curl: ({ vendor, key }) =>
    `curl https://api.${vendor}.example/v1/chat -H "Authorization: Bearer ${key}" -d '{"a":1}'\n`,
  'curl over lines': ({ vendor, key }) =>
    `curl -s https://api.${vendor}.example/v1/chat \\\n  -H 'Content-Type: application/json' \\\n  -H 'Authorization: Bearer ${key}' \\\n  -d @x\n`,
  'curl x-api-key': ({ vendor, key }) => `curl -H "x-api-key: ${key}" https://api.${vendor}.example/v1\n`,
  'curl user': ({ vendor, key }) => `curl -u ${vendor}:${key} https://x.example\n`,
  'HTTP request': ({ vendor, key }) =>
    `POST /v1/chat HTTP/1.1\r\nHost: api.${vendor}.example\r\nAuthorization: Bearer ${key}\r\nAccept: */*\r\n\r\n`,
  'HTTP dump': ({ vendor, key }) =>
    `> GET /v1/models HTTP/2\n> Host: api.${vendor}.example\n> x-api-key: ${key}\n> accept: */*\n`,
  'log line': ({ name, key }) =>
    `2026-03-01T10:00:00Z ERROR request failed ${lower(name)}=${key} status=401 ms=12\n`,
  'log of JSON': ({ name, key }) => `{"level":50,"msg":"boot","env":{"${name}":"${key}"}}\n`,
  'log of a message': ({ vendor, key }) =>
    `[error] openai.AuthenticationError: Incorrect ${vendor} API key provided: ${key}. You can find yours at\n`,
  'stack trace': ({ name, key }) =>
    `Error: bad credentials (${camel(name)}=${key})\n    at call (/srv/app.js:10:5)\n`,
  'Python repr': ({ vendor, key }) => `${pascal(vendor)}Config(api_key='${key}', retries=3)\n`,
  'node inspect': ({ name, key }) => `{ ${camel(name)}: '${key}', n: 1 }\n`,
  'HAR header': ({ vendor, key }) =>
    JSON.stringify({ url: `https://api.${vendor}.example/v1`, headers: [{ name: 'x-api-key', value: key }] }),
  Postman: ({ name, key }) =>
    JSON.stringify({ values: [{ key: name, value: key, type: 'secret', enabled: true }] }, null, '\t'),
  'JSON in JSON': ({ name, key }) => JSON.stringify({ body: JSON.stringify({ [camel(name)]: key, n: 1 }) }),
  'JSON in JSON in JSON': ({ name, key }) =>
    JSON.stringify({ a: JSON.stringify({ b: JSON.stringify({ [lower(name)]: key }) }) }),
  'environment in JSON': ({ name, key }) => JSON.stringify({ env: `A=1\n${name}=${key}\nB=2\n` }),
  'environment in JSON in JSON': ({ name, key }) =>
    JSON.stringify({ x: JSON.stringify({ env: `A=1\n${name}=${key}\nB=2\n` }) }),
  'tabs in JSON': ({ name, key }) => JSON.stringify({ env: `${name}\t${key}\r\n` }),
  'notebook source': ({ name, key }) =>
    JSON.stringify({
      cells: [{ cell_type: 'code', source: ['import os\n', `os.environ["${name}"] = "${key}"\n`] }],
    }),
  'notebook output': ({ name, key }) =>
    JSON.stringify({
      cells: [{ outputs: [{ output_type: 'stream', text: [`${name}=${key}\n`, 'B=2\n'] }] }],
    }),
  'source map': ({ name, key }) =>
    JSON.stringify({ version: 3, sourcesContent: [`const ${camel(name)} = "${key}";\nrun();\n`] }),
  'ANSI colours': ({ name, key }) => `\u001b[36m${name}\u001b[0m=\u001b[1;31m${key}\u001b[0m\n`,
  'ANSI colours, escaped': ({ name, key }) =>
    String.raw`\u001b[36m${name}\u001b[0m=\u001b[31m${key}\u001b[0m`,
  'ANSI 256 colours': ({ name, key }) => `${name}: \u001b[38;5;208m${key}\u001b[m\n`,
  'command line': ({ vendor, key }) => `app --provider ${vendor} --api-key ${key} --verbose\n`,
  'command line with =': ({ name, key }) => `docker run -e ${name}=${key} --rm img\n`,
  'command line flag': ({ name, key }) => `app --${kebab(name)}=${key}\n`,
  'query, encoded around': ({ name, key }) => `q=${lower(name)}%3D${key}%26x%3D1\n`,
  'form body': ({ name, key }) => `grant=1&${lower(name)}=${key}&x=2`,
  'quoted-printable head': ({ name, key }) => `${name}=3D${key}\r\n`,
});

const NAMELESS = family(
  'nameless',
  {
    alone: ({ key }) => key,
    'a line': ({ key }) => `${key}\n`,
    '.npmrc': ({ key }) => `//registry.npmjs.org/:_authToken=${key}\n`,
    '.netrc': ({ key }) => `machine x.example login bot password ${key}\n`,
    'user of an address': ({ key }) => `https://${key}:x@git.example/r.git\n`,
    'user without a password': ({ key }) => `https://${key}@git.example/r.git\n`,
    path: ({ key }) => `https://x.example/hook/${key}?send=1\n`,
    bearer: ({ key }) => `Authorization: Bearer ${key}\r\n`,
    'lower-case header': ({ key }) => `authorization:bearer ${key}\n`,
    parentheses: ({ key }) => `see (${key}) and [${key}] and {${key}} and <${key}>\n`,
    'end of a sentence': ({ key }) => `It is ${key}. Keep it.\n`,
    'HTML comment without spaces': ({ key }) => `<!--${key}-->\n`,
    'list of strings': ({ key }) => `["a","${key}","b"]\n`,
    'YAML list': ({ key }) => `keys:\n  - ${key}\n  - other\n`,
    'S-expression': ({ key }) => `(login ${key})\n`,
    'bytes around it': ({ key }) => `\u0000\u0001${key}\u0000\u0002`,
    'non-breaking space': ({ key }) => `key:\u00a0${key}\u00a0\n`,
    'typographic quotes': ({ key }) => `key is “${key}”, ok\n`,
    'emoji around it': ({ key }) => `🔑${key}🔑\n`,
    'CJK around it': ({ key }) => `密钥：${key}。请保密\n`,
    'byte order mark': ({ key }) => `\ufeff${key}\n`,
    'CR line ends': ({ key }) => `a\r${key}\rb\r`,
    'form feed': ({ key }) => `\f${key}\f`,
  },
  { nameless: true },
);

/** Written before any of the rules were changed for this corpus, and tried only when the others were found. */
const UNSEEN = [
  ...family(
    'unseen',
    {
      'Nix attribute': ({ name, key }) => `  environment.${name} = "${key}";\n`,
      HCL: ({ name, key }) => `env {\n  ${name} = "${key}"\n}\n`,
      'Jenkins pipeline': ({ name, key }) => `environment { ${name} = '${key}' }\n`,
      Makefile: ({ name, key }) => `${name} ?= ${key}\nall:\n\t./run\n`,
      'Makefile :=': ({ name, key }) => `export ${name} := ${key}\n`,
      CMake: ({ name, key }) => `set(${name} "${key}")\n`,
      Gradle: ({ name, key }) => `buildConfigField "String", "${name}", "\\"${key}\\""\n`,
      xcconfig: ({ name, key }) => `${name} = ${key}\n`,
      Ansible: ({ name, key }) => `- set_fact:\n    ${lower(name)}: "${key}"\n`,
      CloudFormation: ({ name, key }) =>
        `Parameters:\n  ${pascal(name)}:\n    Type: String\n    Default: ${key}\n`,
      'ECS task': ({ name, key }) => JSON.stringify({ environment: [{ name, value: key }] }, null, 2),
      'Lambda output': ({ name, key }) => JSON.stringify({ Environment: { Variables: { [name]: key } } }),
      Vercel: ({ name, key }) => `vercel env add ${name} production <<< "${key}"\n`,
      'fly secrets': ({ name, key }) => `fly secrets set ${name}=${key} OTHER=1\n`,
      'gh secret': ({ name, key }) => `gh secret set ${name} --body "${key}"\n`,
      'Objective-C': ({ name, key }) => `NSString *const ${camel(name)} = @"${key}";\n`,
      Haskell: ({ name, key }) => `${camel(name)} :: String\n${camel(name)} = "${key}"\n`,
      'F#': ({ name, key }) => `let ${camel(name)} = "${key}"\n`,
      Julia: ({ name, key }) => `ENV["${name}"] = "${key}"\n`,
      Erlang: ({ name, key }) => `{${lower(name)}, <<"${key}">>}.\n`,
      OCaml: ({ name, key }) => `let ${lower(name)} = {|${key}|}\n`,
      Solidity: ({ name, key }) => `string constant ${name} = "${key}";\n`,
      'Visual Basic': ({ name, key }) => `Dim ${camel(name)} As String = "${key}"\r\n`,
      Pascal: ({ name, key }) => `const ${pascal(name)} = '${key}';\n`,
      MATLAB: ({ name, key }) => `setenv('${name}', '${key}');\n`,
      'Rails credentials': ({ vendor, key }) => `${vendor}:\n  access_key: ${key}\n`,
      'Spring YAML': ({ vendor, key }) => `spring:\n  ai:\n    ${vendor}:\n      api-key: ${key}\n`,
      'LiteLLM list': ({ vendor, key }) =>
        `  - model_name: x\n    litellm_params:\n      model: ${vendor}/large\n      api_key: ${key}\n`,
      'Continue JSON': ({ vendor, key }) =>
        JSON.stringify({ models: [{ title: 'x', provider: vendor, apiKey: key }] }, null, 2),
      'MCP settings': ({ name, key }) =>
        JSON.stringify({ mcpServers: { a: { command: 'npx', env: { [name]: key } } } }, null, 2),
      'VS Code settings': ({ vendor, key }) => `{\n    "${vendor}.apiKey": "${key}",\n}\n`,
      'Slack export': ({ vendor, key }) =>
        JSON.stringify([{ type: 'message', text: `${vendor} key: \`${key}\` :key:` }]),
      'AsciiDoc table': ({ name, key }) => `|===\n|${name} |${key}\n|===\n`,
      LaTeX: ({ name, key }) => `\\texttt{${name.replaceAll('_', '\\_')}} = \\verb|${key}|\n`,
      'Org mode': ({ name, key }) => `#+PROPERTY: ${name} ${key}\n`,
      'Wiki table': ({ name, key }) => `{|\n| ${name} || ${key}\n|}\n`,
      'JSON lines': ({ name, key }) => `{"k":"${name}","v":"${key}"}\n{"k":"b","v":"c"}\n`,
      logfmt: ({ name, key }) => `level=info ${lower(name)}="${key}" t=1\n`,
      syslog: ({ name, key }) => `Mar  1 10:00:00 host app[12]: ${name}: ${key}\n`,
      'Docker inspect': ({ name, key }) => JSON.stringify({ Env: ['PATH=/bin', `${name}=${key}`] }),
      'ps output': ({ name, key }) => `root 12 0.0 /usr/bin/app --${kebab(name)} ${key} --x\n`,
      'bash history': ({ name, key }) => `#1700000000\nexport ${name}=${key}\n`,
      'mitm flow': ({ vendor, key }) => `:authority: api.${vendor}.example\nx-api-key: ${key}\n`,
      'Apache log': ({ vendor, key }) =>
        `1.2.3.4 - - [01/Mar/2026] "GET /${vendor}?api_key=${key} HTTP/1.1" 200 12\n`,
      wget: ({ vendor, key }) =>
        `wget --header="Authorization: Bearer ${key}" https://api.${vendor}.example\n`,
      httpie: ({ vendor, key }) => `http api.${vendor}.example X-Api-Key:${key}\n`,
      'Python requests': ({ vendor, key }) =>
        `requests.get("https://api.${vendor}.example", headers={"Authorization": "Bearer ${key}"})\n`,
      'fetch over lines': ({ vendor, key }) =>
        `fetch('https://api.${vendor}.example/v1', {\n  method: 'POST',\n  headers: {\n    'x-api-key': '${key}',\n  },\n});\n`,
      'assigned to a member': ({ vendor, key }) => `${vendor}.api_key = "${key}"\n`,
      'setter call': ({ vendor, key }) => `${vendor}.setApiKey('${key}')\n`,
      'builder call': ({ vendor, key }) => `${pascal(vendor)}Client.builder().apiKey("${key}").build();\n`,
      'array index': ({ name, key }) => `$_ENV['${name}'] = "${key}";\n`,
      ternary: ({ name, key }) => `${camel(name)} = isProd ? "${key}" : "";\n`,
      'default argument': ({ name, key }) => `def call(prompt, ${lower(name)}="${key}"):\n`,
    },
    { unseen: true },
  ),
  ...family(
    'unseen',
    {
      'git remote': ({ key }) => `\turl = https://oauth2:${key}@git.example/x.git\n`,
      'Docker auth': ({ key }) => `docker login -u x -p ${key} registry.example\n`,
      'pip index': ({ key }) => `index-url = https://__token__:${key}@pypi.example/simple\n`,
      cookie: ({ key }) => `Cookie: session=1; token=${key}; theme=dark\r\n`,
      'WebSocket protocol': ({ key }) => `sec-websocket-protocol: realtime, insecure-api-key.${key}, v1\n`,
      'glued to a name': ({ key }) => `token_${key}\n`,
      'quotes of French': ({ key }) => `la clé «${key}» est\n`,
      'escaped quotes': ({ key }) => `\\\\\\"${key}\\\\\\"\n`,
      'zero-width space': ({ key }) => `\u200b${key}\u200b\n`,
      'tab indent': ({ key }) => `\t\t\t${key}\n`,
      'pipe and tick': ({ key }) => `|\`${key}\`|\n`,
    },
    { unseen: true, nameless: true },
  ),
];

export const CARRIERS: readonly Carrier[] = [
  ...CONFIGURATION,
  ...CODE,
  ...TEXT,
  ...TRAFFIC,
  ...NAMELESS,
  ...UNSEEN,
];
