/** `recovery`: kits that bring a lost root key back, and drills that show that they would. */
import { join, resolve } from 'node:path';
import { SallyportError } from '../core/errors.ts';
import { readPublicFile, writePrivateFile } from '../core/private-file.ts';
import { openMaterial, openSample } from '../recovery/material.ts';
import type { OpenedKit } from '../recovery/kit.ts';
import { writeRootKeyFile } from '../vault/kek/file.ts';
import { checkNewPassphrase } from '../vault/kek/passphrase.ts';
import { readRootKey } from '../vault/kek/source.ts';
import { AdminClient, SERVER_OPTIONS } from './client.ts';
import { defineCommand, EXIT } from './command.ts';
import type { Io } from './io.ts';
import { kitOpener, OPENER_OPTIONS } from './kit-opener.ts';
import { note, printFields, printJson, warn } from './output.ts';
import { askOnTerminal, readKitPassphrase } from './passphrase.ts';
import { dataFolder, materialFrom, sourceFor } from './root-key.ts';

/** The root key is on this machine, so there is no --url. */
const LOCAL_OPTIONS = { data: SERVER_OPTIONS.data, json: SERVER_OPTIONS.json } as const;

const local = (values: { readonly data: string | undefined }, io: Io): AdminClient =>
  AdminClient.open({ data: values.data, url: undefined, 'admin-token-file': undefined }, io);

export const recoveryKit = defineCommand({
  name: 'recovery kit',
  summary: 'Write the root key to a file that only chosen people can open.',
  options: {
    recipient: {
      type: 'string',
      multiple: true,
      value: 'AGE1',
      help: 'who can open it: a recipient of age; may be given several times',
    },
    passphrase: {
      type: 'boolean',
      help: 'a passphrase opens it instead; it is asked for, or read from stdin',
    },
    out: {
      type: 'string',
      value: 'FILE',
      help: 'where to (default sallyport-recovery-FINGERPRINT.age here)',
    },
    ...LOCAL_OPTIONS,
  },
  examples: [
    'sallyport recovery kit --recipient age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p',
    'sallyport recovery kit --passphrase --out /media/usb/sallyport.age',
  ],
  notes: [
    'The root key is read where the gateway reads it (SALLYPORT_ROOT_KEY_FILE and so on), and never sent to the gateway.',
    'Keep the kit apart from the backups: who has both and can open the kit has every provider key.',
  ],
  run: async ({ values, io }) => {
    const { sealKit } = await import('../recovery/kit.ts');
    const recipients = values.recipient;
    if (values.passphrase === recipients.length > 0) {
      throw new SallyportError('input.invalid', 'a kit is for recipients, or for a passphrase: say which', {
        fix: 'give --recipient (as often as needed) or --passphrase, not both',
      });
    }
    const source = sourceFor(io, values.data);
    const client = local(values, io);
    const material = materialFrom(await client.call('recovery.material'));
    const { bytes, where, origin } = await readRootKey(source, material.instance, askOnTerminal(io));
    try {
      const { instance, rootFingerprint } = await openMaterial(
        material,
        Uint8Array.from(bytes),
        where,
        origin,
      );
      const label = {
        instance,
        fingerprint: rootFingerprint,
        createdAt: new Date(io.wallMs()).toISOString(),
      };
      const path = resolve(values.out ?? `sallyport-recovery-${rootFingerprint}.age`);
      const record = (): Promise<unknown> =>
        client.call('recovery.kit', { body: { rootFingerprint, recipients: recipients.length } });
      if (values.passphrase) {
        using passphrase = await readKitPassphrase(io, true);
        checkNewPassphrase(passphrase);
        await writeRecorded(path, await sealKit(label, bytes, { kind: 'passphrase', passphrase }), record);
      } else
        await writeRecorded(path, await sealKit(label, bytes, { kind: 'recipients', recipients }), record);
      if (values.json)
        printJson(io, { path, instance, fingerprint: rootFingerprint, recipients: recipients.length });
      else {
        printFields(io, [
          ['kit', path],
          ['instance', instance],
          ['fingerprint', rootFingerprint],
          ['opens with', values.passphrase ? 'a passphrase' : `${recipients.length} recipient(s)`],
        ]);
      }
      note(io, `now move it away from this machine, and try it: sallyport recovery drill --kit ${path}`);
      return EXIT.ok;
    } finally {
      bytes.fill(0);
    }
  },
});

export const recoveryDrill = defineCommand({
  name: 'recovery drill',
  summary: 'Show that a kit would bring this instance back. Changes nothing.',
  options: { ...OPENER_OPTIONS, ...LOCAL_OPTIONS },
  examples: ['sallyport recovery drill --kit /media/usb/sallyport.age --identity /media/usb/identity.txt'],
  notes: [
    'Opens the kit, holds its root key against the instance that runs, and opens one sealed record with it.',
    'Exit code 1 means that the kit opens, but would not bring this instance back.',
  ],
  run: async ({ values, io }) => {
    const client = local(values, io);
    const material = materialFrom(await client.call('recovery.material'));
    const kit = await openKitFile(values, io);
    const { rootFingerprint } = material.instance;
    let opened: string | null = null;
    let problem: string | null = null;
    try {
      const keyring = await openMaterial(material, kit.bytes, 'the kit', 'kit');
      opened = openSample(material, keyring);
      if (kit.instance !== keyring.instance) problem = `it was made for the instance ${kit.instance}`;
    } catch (error) {
      if (!(error instanceof SallyportError)) throw error;
      problem = error.message;
    } finally {
      kit.bytes.fill(0);
    }
    const ok = problem === null;
    const { recordedAt } = await client.call('recovery.drill', { body: { rootFingerprint, ok, opened } });
    const { instance, fingerprint, createdAt } = kit;
    const result = { ok, instance, fingerprint, kitCreatedAt: createdAt, opened, problem, recordedAt };
    if (values.json) printJson(io, result);
    else {
      printFields(io, [
        ['kit', `${fingerprint}, made ${createdAt}`],
        ['instance', material.instance.instance],
        ['verdict', problem === null ? 'would bring this instance back' : `would not: ${problem}`],
        ['opened', opened ?? 'nothing: no provider key is sealed yet'],
      ]);
    }
    if (!ok) warn(io, 'make a new kit: sallyport recovery kit');
    return ok ? EXIT.ok : EXIT.refused;
  },
});

export const recoveryRestore = defineCommand({
  name: 'recovery restore',
  summary: 'Write the root key in a kit to the root key file. Never overwrites one.',
  options: { ...OPENER_OPTIONS, ...LOCAL_OPTIONS },
  examples: ['sallyport recovery restore --kit /media/usb/sallyport.age --data /var/lib/sallyport'],
  notes: ['It needs no running gateway. The next start checks that the root key fits the instance.'],
  run: async ({ values, io }) => {
    const source = sourceFor(io, values.data);
    if (source.kind !== 'file') {
      throw new SallyportError(
        'config.invalid',
        'the root key is configured to come from elsewhere than a file',
        {
          fix: 'unset SALLYPORT_ROOT_KEY and SALLYPORT_PASSPHRASE_FILE; or name a file in SALLYPORT_ROOT_KEY_FILE',
        },
      );
    }
    const path = source.chosen ? source.path : join(dataFolder(io, values.data), 'root.key');
    const { bytes, instance, fingerprint } = await openKitFile(values, io);
    try {
      writeRootKeyFile(path, bytes);
    } finally {
      bytes.fill(0);
    }
    if (values.json) printJson(io, { path, instance, fingerprint });
    else {
      printFields(io, [
        ['root key', path],
        ['instance', instance],
        ['fingerprint', fingerprint],
      ]);
    }
    note(io, 'start the gateway now: sallyport up');
    return EXIT.ok;
  },
});

/** A kit that is not on record does not stay. */
async function writeRecorded(path: string, text: string, record: () => Promise<unknown>): Promise<void> {
  const undo = writePrivateFile(path, Buffer.from(text));
  try {
    await record();
  } catch (error) {
    undo();
    throw error;
  }
}

async function openKitFile(
  values: { readonly kit: string | undefined; readonly identity: string | undefined },
  io: Io,
): Promise<OpenedKit> {
  const { openKit, MAX_KIT_BYTES } = await import('../recovery/kit.ts');
  if (values.kit === undefined) {
    throw new SallyportError('input.invalid', '--kit is missing', { fix: 'name the file of the kit' });
  }
  const file = readPublicFile(values.kit, 'the kit', MAX_KIT_BYTES);
  const opener = await kitOpener(file, values.identity, io);
  try {
    return await openKit(file, opener);
  } finally {
    if (opener.kind === 'passphrase') opener.passphrase[Symbol.dispose]();
  }
}
