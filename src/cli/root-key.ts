/** The root key on the operator's side: from where the gateway has it too, checked against the instance before it is used. */
import { resolve } from 'node:path';
import type { RouteReply } from '../admin/contract.ts';
import { defaultDataFolder } from '../config.ts';
import type { RecoveryMaterial } from '../recovery/material.ts';
import { rootKeySource, SECRET_VARIABLES } from '../root-key-config.ts';
import type { RootKeySource } from '../vault/kek/source.ts';
import type { Io } from './io.ts';

/** By the same variables as for `up`; they are gone from the environment afterwards. */
export function sourceFor(io: Io, data: string | undefined): RootKeySource {
  const source = rootKeySource(io.env, dataFolder(io, data), false);
  for (const variable of SECRET_VARIABLES) io.forget(variable);
  return source;
}

export function dataFolder(io: Io, data: string | undefined): string {
  return resolve(data ?? defaultDataFolder(io.env));
}

/** The answer of the gateway with its bytes as bytes. */
export function materialFrom({ instance, terms, sample }: RouteReply<'recovery.material'>): RecoveryMaterial {
  return {
    instance: { ...instance, rootCheck: bytes(instance.rootCheck) },
    terms: terms.map((row) => ({ ...row, wrapped: bytes(row.wrapped) })),
    sample: sample && { ...sample, sealed: bytes(sample.sealed) },
  };
}

function bytes(text: string): Buffer {
  return Buffer.from(text, 'base64url');
}
