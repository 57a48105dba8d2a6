// A sealing key as the portal's page makes one, made here with another library: what both can read is the format, and no accident.
import { calculateJwkThumbprint, CompactEncrypt, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose'
import {
  readRecording,
  type OpenKey,
  type Problem,
  type ReadEntry,
  type SealedLine,
} from '../../scripts/admin/sealed-recording.ts'
import type { AdminProgram } from './administrator.ts'

export const PASSPHRASE = 'correct horse battery staple 7'
export const RECOVERY_CODE = 'ABCDEFGHJKMNPQRSTVWXYZ234'

export interface MadeKey {
  readonly fingerprint: string
  readonly key: { readonly kty: 'EC'; readonly crv: 'P-256'; readonly x: string; readonly y: string }
  readonly wrapped: { readonly passphrase: string; readonly recovery: string }
  readonly privateKey: JWK
}

export async function makeSealingKey({ passphrase = PASSPHRASE, iterations = 600_000 } = {}): Promise<MadeKey> {
  const pair = await generateKeyPair('ECDH-ES', { crv: 'P-256', extractable: true })
  const privateKey = await exportJWK(pair.privateKey)
  const { x = '', y = '' } = privateKey
  const key = { kty: 'EC', crv: 'P-256', x, y } as const
  const fingerprint = await calculateJwkThumbprint(key)
  const under = async (secret: string): Promise<string> =>
    await new CompactEncrypt(new TextEncoder().encode(JSON.stringify(privateKey)))
      .setProtectedHeader({ alg: 'PBES2-HS512+A256KW', enc: 'A256GCM', cty: 'jwk+json', kid: fingerprint })
      .setKeyManagementParameters({ p2c: iterations })
      .encrypt(new TextEncoder().encode(secret))
  const wrapped = { passphrase: await under(passphrase), recovery: await under(RECOVERY_CODE) }
  return { fingerprint, key, wrapped, privateKey }
}

/** What whoever knows the private half reads, without unwrapping it: that takes a second each time. */
export function openedBy({ fingerprint, privateKey }: Pick<MadeKey, 'fingerprint' | 'privateKey'>): OpenKey {
  return async (asked) => {
    const key = await importJWK(privateKey, 'ECDH-ES')
    if (asked === fingerprint && !(key instanceof Uint8Array)) return key
    return { code: 'key_not_opened', text: `another key: ${asked}` }
  }
}

export interface WhatWasRead {
  readonly entries: readonly ReadEntry[]
  /** Codes of what is wrong with it. */
  readonly problems: readonly Problem['code'][]
}

/** What is in a sealed recording, JSON Lines. */
export async function readSealed(jsonLines: string, key: MadeKey): Promise<WhatWasRead> {
  const sealed: readonly SealedLine[] = jsonLines
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  const entries: ReadEntry[] = []
  const problems = await readRecording(sealed, openedBy(key), (entry) => entries.push(entry))
  return { entries, problems: problems.map(({ code }) => code) }
}

/** The first one of a deployment, put in place by an administrator. */
export async function putSealingKey(admin: AdminProgram): Promise<MadeKey> {
  const made = await makeSealingKey()
  const { key, wrapped } = made
  await admin.act('/sealing-key', { key, wrapped, replaces: null, reason: 'first set-up' })
  return made
}
