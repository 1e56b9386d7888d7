/** Files that are no programs: which of them can read a variable, and where. A reason where the place is not one that can be mended. */
import { lineEnd, lineStart } from './literals.ts';
import type { Replacement } from './javascript.ts';

export type Mended = Replacement | string;

export const ENV_FILE = /(?:^|\/)\.env(?:\.[^/]*)?$/;
export const ENV_EXAMPLE = /(?:^|\/)\.env\.(?:example|sample|template|dist)$/;
export const SHELL = /\.(?:sh|bash|zsh|ksh|envrc)$|(?:^|\/)\.(?:bashrc|zshrc|profile|bash_profile|envrc)$/;
const SHEBANG = /^#![^\n]*\b(?:sh|bash|zsh|ksh|dash)\b/;
export const YAML = /\.ya?ml$/;

export function isShell(path: string, text: string): boolean {
  return SHELL.test(path) || SHEBANG.test(text);
}

/** The value of a line `NAME=value`. The text to put in is the token, which nobody has yet. */
export function envPlace(text: string, start: number, end: number): { readonly name: string } | string {
  const [before, behind] = around(text, start, end);
  const head = /^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*(["']?)$/.exec(before);
  const quote = head?.[2] ?? '';
  if (!head || !behind.startsWith(quote) || !/^[ \t]*(?:#.*)?\r?$/.test(behind.slice(quote.length)))
    return 'it is not the whole value of a variable';
  return { name: head[1] ?? '' };
}

export function yamlEdit(path: string, text: string, start: number, end: number, variable: string): Mended {
  if (/(?:^|\/)\.github\/|(?:^|\/)\.gitlab-ci\.ya?ml$|(?:^|\/)\.circleci\//.test(path))
    return 'CI keeps secrets of its own: sallyport token deploy --to github';
  if (/^apiVersion:/m.test(text))
    return 'Kubernetes reads no variables there; use a Secret: sallyport token deploy --to k8s';
  const [before, behind] = around(text, start, end);
  const head =
    /^[ \t]*(?:-[ \t]+)?(?:"[^"\n]*"|'[^'\n]*'|[\w.-]+)[ \t]*:[ \t]+(["']?)$|^[ \t]*-[ \t]+(["']?)(?:[A-Za-z_]\w*=)?$/.exec(
      before,
    );
  const quote = head?.[1] ?? head?.[2] ?? '';
  if (!head || !behind.startsWith(quote) || !/^[ \t]*(?:[ \t]#.*)?\r?$/.test(behind.slice(quote.length)))
    return 'it is not a whole value';
  return { start, end, text: `\${${variable}}` };
}

/** Whether a variable is put in there is for the quotes around it to say, from the beginning of the file on. */
export function shellEdit(text: string, start: number, end: number, variable: string): Mended {
  if (/<</.test(text.slice(0, start))) return 'a here-document stands before it, so quotes cannot be told';
  let quote = '';
  let opened = -1;
  for (let at = 0; at < start; at += 1) {
    const char = text[at] ?? '';
    if (quote === "'") {
      if (char === "'") quote = '';
    } else if (char === '\\') at += 1;
    else if (quote === '"') {
      if (char === '"') quote = '';
      // What is inside of it has quotes of its own.
      else if (char === '`' || text.startsWith('$(', at))
        return 'a command stands inside the quotes before it';
    } else if (char === '#' && /(?:^|[\s;&|(])$/.test(text.slice(at - 1, at))) {
      const newline = lineEnd(text, at);
      if (newline >= start) return 'it stands in a comment: take it out by hand';
      at = newline;
    } else if (char === '"' || char === "'") {
      quote = char;
      opened = at;
    }
  }
  if (quote === '"') return { start, end, text: `\${${variable}}` };
  const plain = `"\${${variable}}"`;
  if (quote === "'") {
    return opened === start - 1 && text[end] === "'"
      ? { start: opened, end: end + 1, text: plain }
      : 'it is part of a text in single quotes, where nothing is put in';
  }
  return /[=\s]$/.test(text.slice(0, start)) && /^(?:$|[\s;&|)])/.test(text.slice(end))
    ? { start, end, text: plain }
    : 'it is not a whole word';
}

/** Why files of that kind are left as they are. */
export function cannotRead(path: string): string {
  if (/(?:^|\/)(?:Dockerfile|Containerfile)[^/]*$/.test(path))
    return 'an image keeps what it is built with: pass the variable when the container starts';
  if (/\.(?:json|jsonc|ipynb)$/.test(path)) return 'JSON cannot read a variable';
  if (/\.(?:toml|ini|cfg|conf|properties|xml|tf|tfvars)$/.test(path))
    return 'whether that file may read variables depends on who reads it';
  if (/\.(?:md|mdx|rst|txt|html?)$/.test(path)) return 'it is a text: write a placeholder there';
  return 'it is in no language whose way to read a variable is known';
}

function around(text: string, start: number, end: number): [string, string] {
  return [text.slice(lineStart(text, start), start), text.slice(end, lineEnd(text, end))];
}
