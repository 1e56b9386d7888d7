/** `backup`, `restore` and `upgrade`: a data folder as one file, and back. */
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readConfig } from '../config.ts';
import { SallyportError } from '../core/errors.ts';
import { createLog } from '../core/log.ts';
import { redactForLog } from '../redact/for-log.ts';
import { SECRET_VARIABLES } from '../root-key-config.ts';
import { VERSION } from '../version.ts';
import { AdminClient, SERVER_OPTIONS } from './client.ts';
import { defineCommand, EXIT } from './command.ts';
import { note, orDash, printFields, printJson, warn } from './output.ts';
import { askOnTerminal } from './passphrase.ts';
import { dataFolder } from './root-key.ts';

const LOCAL_OPTIONS = { data: SERVER_OPTIONS.data, json: SERVER_OPTIONS.json } as const;

export const backup = defineCommand({
  name: 'backup',
  summary: 'Write database and journal of the running gateway to one file, while it works on.',
  options: {
    out: { type: 'string', value: 'FILE', help: 'the archive (tar, mode 0600); it must not exist' },
    'with-root-key': {
      type: 'boolean',
      help: 'put the root key into it as well: who has the archive then has every provider key',
    },
    ...LOCAL_OPTIONS,
  },
  examples: ['sallyport backup --out /backup/sallyport-2026-11-21.tar'],
  notes: [
    'The gateway writes the file, so its user needs access to the folder.',
    'Without the root key an archive is of no use to a thief, and of none to you: keep a recovery kit elsewhere.',
  ],
  run: async ({ values, io }) => {
    if (values.out === undefined) {
      throw new SallyportError('input.invalid', '--out is missing', { fix: 'name the archive: --out FILE' });
    }
    const client = AdminClient.open({ data: values.data, url: undefined, 'admin-token-file': undefined }, io);
    const done = await client.call('recovery.backup', {
      body: { out: resolve(values.out), withRootKey: values['with-root-key'] },
    });
    if (values.json) printJson(io, done);
    else {
      printFields(io, [
        ['archive', done.path],
        ['instance', done.instance],
        ['root key', `${done.rootFingerprint}, ${done.rootKey ? 'IN THE ARCHIVE' : 'not in the archive'}`],
        ['moment', done.createdAt],
        ['journal', `up to entry ${done.head.seq} of ${done.head.stream}`],
        ['size', `${done.bytes} bytes in ${done.files} files`],
      ]);
    }
    if (done.rootKey) {
      warn(
        io,
        'THE ROOT KEY IS IN THIS ARCHIVE: whoever reads the file has every provider key. Encrypt it, or delete it',
      );
    }
    return EXIT.ok;
  },
});

export const restore = defineCommand({
  name: 'restore',
  summary: 'Put a backup into a new data folder, after verifying all of it.',
  options: {
    from: { type: 'string', value: 'FILE', help: 'the archive' },
    data: { type: 'string', value: 'DIR', help: 'new or empty data folder; only a root.key may be in it' },
    'journal-from': {
      type: 'string',
      value: 'DIR',
      help: 'old data folder: its newer journal brings back revocations, policies and spending since the backup',
    },
    'accept-older': {
      type: 'boolean',
      help: 'restore the moment of the backup; tokens revoked since are valid again',
    },
    json: SERVER_OPTIONS.json,
  },
  examples: [
    'sallyport restore --from /backup/sallyport.tar --data /var/lib/sallyport-new --journal-from /var/lib/sallyport',
  ],
  notes: [
    'The root key comes from where a start takes it (root.key in DIR, SALLYPORT_ROOT_KEY_FILE and so on): see sallyport recovery restore.',
    'Stop the gateway of the old data folder first: two that go on from one backup are two histories.',
  ],
  run: async ({ values, io }) => {
    const { from, data } = values;
    if (from === undefined || data === undefined) {
      const missing = from === undefined ? '--from' : '--data';
      throw new SallyportError('input.invalid', `${missing} is missing`, {
        fix: 'see: sallyport restore --help',
      });
    }
    const config = readConfig({ data }, io.env);
    for (const variable of SECRET_VARIABLES) io.forget(variable);
    const { restoreBackup } = await import('../offline.ts');
    const journalFrom = values['journal-from'] === undefined ? null : resolve(values['journal-from']);
    const request = { from: resolve(from), journalFrom, acceptOlder: values['accept-older'] };
    const log = createLog({ level: 'warn', redact: redactForLog });
    const { manifest, newer, rootKeyRestored } = await restoreBackup(config, request, log, askOnTerminal(io));
    const { instance, rootFingerprint, createdAt } = manifest;
    const result = {
      data: config.settings.data,
      instance,
      rootFingerprint,
      createdAt,
      newer,
      rootKeyRestored,
    };
    if (values.json) printJson(io, result);
    else {
      printFields(io, [
        ['data', result.data],
        ['instance', instance],
        ['root key', rootFingerprint],
        ['backup of', createdAt],
        ['newer journal', newer ? `${newer.entries} entries, up to ${orDash(newer.until)}` : 'none'],
        ['revoked since', newer ? newer.revoked.join(' ') || 'nothing' : 'not known'],
      ]);
    }
    if (!newer)
      warn(io, `this is the moment ${createdAt}: tokens that were revoked after it are valid again`);
    note(io, `start it: sallyport up --data ${result.data}`);
    return EXIT.ok;
  },
});

export const upgrade = defineCommand({
  name: 'upgrade',
  summary: 'Say what the start of this version would change in a data folder.',
  options: {
    check: { type: 'boolean', help: 'look only; there is nothing else to do, a start upgrades by itself' },
    ...LOCAL_OPTIONS,
  },
  examples: ['sallyport upgrade --check --data /var/lib/sallyport'],
  notes: [
    'Before it changes the schema, a start keeps a copy of the database in the folder before-upgrade.',
    'Exit code 1: the database is newer than this version, or would be changed and no backup is on record.',
  ],
  run: async ({ values, io }) => {
    if (!values.check) {
      throw new SallyportError('input.invalid', 'a start upgrades by itself', {
        fix: 'say --check to look first',
      });
    }
    const data = dataFolder(io, values.data);
    const { inspectData } = await import('../offline.ts');
    const state = inspectData(data);
    if (!state) {
      throw new SallyportError('not_found', `there is no database in ${data}`, {
        fix: 'name the folder with --data',
      });
    }
    const { schema, newest } = state;
    const migrations = Array.from({ length: Math.max(0, newest - schema) }, (_, index) => schema + index + 1);
    const lastBackupAt = state.lastBackupAtMs === null ? null : new Date(state.lastBackupAtMs).toISOString();
    const copies = copiesIn(data);
    const ok = schema <= newest && (migrations.length === 0 || lastBackupAt !== null);
    if (values.json)
      printJson(io, { ok, version: VERSION, schema, newest, migrations, lastBackupAt, copies });
    else {
      printFields(io, [
        ['this version', `${VERSION}, schema ${newest}`],
        ['database', `schema ${schema}`],
        [
          'would run',
          migrations.length === 0 ? 'nothing' : migrations.map((one) => `migration ${one}`).join(', '),
        ],
        ['last backup', orDash(lastBackupAt)],
        ['kept copies', copies.join(' ') || '-'],
      ]);
    }
    if (schema > newest) warn(io, 'the database belongs to a newer version; this one will not start on it');
    else if (!ok) warn(io, 'no backup is on record; before the upgrade: sallyport backup --out FILE');
    return ok ? EXIT.ok : EXIT.refused;
  },
});

function copiesIn(data: string): string[] {
  const folder = join(data, 'before-upgrade');
  return existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith('.db'))
        .toSorted()
    : [];
}
