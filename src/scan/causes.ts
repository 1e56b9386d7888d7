/** By what a value got where it is, as far as the name of the file says it: in a few words that name the thing to change. */

const CAUSES: readonly (readonly [path: RegExp, cause: string])[] = [
  [
    /(?:^|[/!])(?:Dockerfile|Containerfile)[^/!]*$|\.(?:docker|container)file$/i,
    'in a Dockerfile: what ENV, ARG and COPY bring stays in the layers of the image (docker history shows it); mount it with --mount=type=secret',
  ],
  [
    /(?:^|[/!])(?:docker-)?compose[^/!]*\.ya?ml$/i,
    'in a compose file: name the variable alone, or a file of secrets, and keep the value out of git',
  ],
  [/(?:^|[/!])\.env(?:\.[^/!]*)?$/, 'in a .env file: keep it out of git (sallyport gitignore fix)'],
  [
    /(?:^|[/!])\.github\/workflows\/[^/!]+\.ya?ml$/,
    'in a workflow: put it into the secrets of the repository',
  ],
  [/(?:^|[/!])\.gitlab-ci\.yml$/, 'in a pipeline: put it into the masked variables of the project'],
  [/(?:^|[/!])\.npmrc$/, 'in an .npmrc: write ${NAME} in its place, and set that variable'],
  [
    /(?:^|[/!])\.(?:netrc|pypirc)$|(?:^|[/!])\.docker\/config\.json$/,
    'among the credentials of a user: no place for them but the home folder',
  ],
  [/(?:^|[/!])values[^/!]*\.ya?ml$/, 'in values of a Helm chart: name a secret of the cluster in its place'],
  [
    /\.tfvars(?:\.json)?$|\.tfstate(?:\.backup)?$/,
    'in variables or the state of Terraform: keep both out of git',
  ],
];

/** Undefined where the name says nothing. */
export function causeOfPath(path: string): string | undefined {
  return CAUSES.find(([pattern]) => pattern.test(path))?.[1];
}

const MANIFEST = /\.(?:ya?ml|json)$/i;
const KIND_SECRET = /^\s*["']?kind["']?\s*:\s*["']?Secret["']?\s*,?\s*$/m;
const IMAGE_CONFIG = /^\s*\{[^]{0,400}"(?:architecture|rootfs|container_config)"/;

/** What the file says itself, for one in which something was found. */
export function causeOfContent(path: string, bytes: Buffer): string | undefined {
  const text = bytes.toString('latin1', 0, Math.min(bytes.length, 1024 * 1024));
  if (MANIFEST.test(path) && KIND_SECRET.test(text))
    return 'in a manifest of a Kubernetes secret: base64 hides nothing; seal it, or keep it out of git';
  if (bytes[0] === 0x7b && path.includes('!') && IMAGE_CONFIG.test(text) && text.includes('"history"'))
    return 'in the configuration of an image: ENV and the commands of its history are readable by whoever has it';
  return undefined;
}
