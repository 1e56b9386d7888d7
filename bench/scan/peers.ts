/**
 * What the scanner is compared with: secretlint (a version in which its profiler is off unless asked for; with it on, time grows with the square of the
 * files) and ripgrep, from npm into a folder of their own for the length of one run. They are no dependencies: nothing of them enters package.json, and no
 * install script of theirs runs.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { patternOf } from '../../src/detect/rule.ts';
import { RULES } from '../../src/detect/rules.ts';

const SECRETLINT = '13.0.6';
const RIPGREP = '1.18.0';
const RIPGREP_PACKAGE = `@vscode/ripgrep-${process.platform}-${process.arch}`;

export interface ScanPeers extends Disposable {
  /** By name, the command that scans the current folder. */
  readonly commands: ReadonlyMap<string, readonly string[]>;
}

/** Fewer, when npm cannot install them. */
export function installPeers(): ScanPeers {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-bench-peers-'));
  writeFileSync(join(folder, 'package.json'), '{"private":true}');
  const modules = join(folder, 'node_modules');
  const commands = new Map<string, readonly string[]>();
  if (install(folder, `${RIPGREP_PACKAGE}@${RIPGREP}`)) {
    const patterns = join(folder, 'patterns.txt');
    const lines = RULES.flatMap(({ shape }) => (shape.by === 'prefix' ? [patternOf(shape)] : []));
    writeFileSync(patterns, `${lines.join('\n')}\n`);
    const ripgrep = join(modules, RIPGREP_PACKAGE, 'bin', 'rg');
    commands.set('ripgrep, same expressions', [
      ripgrep,
      '--no-config',
      '--hidden',
      '--glob=!.git',
      '-c',
      '-f',
      patterns,
      '.',
    ]);
  }
  const preset = '@secretlint/secretlint-rule-preset-recommend';
  if (install(folder, `secretlint@${SECRETLINT}`, `${preset}@${SECRETLINT}`)) {
    const rules = join(folder, 'secretlintrc.json');
    writeFileSync(rules, JSON.stringify({ rules: [{ id: preset }] }));
    const program = join(modules, 'secretlint', 'bin', 'secretlint.js');
    if (existsSync(program))
      commands.set(`secretlint ${SECRETLINT}`, [
        'node',
        program,
        '--secretlintrc',
        rules,
        '--no-gitignore',
        '**/*',
      ]);
  }
  return { commands, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

function install(folder: string, ...packages: readonly string[]): boolean {
  const npm = [
    'npm',
    'install',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    ...packages,
  ];
  return Bun.spawnSync(npm, { cwd: folder, stdout: 'ignore', stderr: 'ignore' }).exitCode === 0;
}
