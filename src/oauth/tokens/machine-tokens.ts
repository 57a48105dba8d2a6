// Machine credentials: tokens that prove themselves, so that an invented one is told from a real one before any object is named.
//
// A token is `tok_` and 36 bytes: 24 random ones and a 12-byte MAC over them. Its id and the name of its session follow from the
// random bytes. Nothing of it is stored but the beginning, and one keyed hash per resource: the id of the grant that decides. The key
// is the salt, and a thief of the disk does not find it there. As with client ids, dropping ENCRYPTION_KEY_PREVIOUS ends them.
import { base64url } from 'jose'
import { personName, type Caller } from '../../caller.ts'
import type { KeyRing, Keys } from '../../issuer/keys.ts'
import { BoundedMap } from '../../platform/bounded-map.ts'
import { hmac, sameText, sha256 } from '../../platform/crypto.ts'

export interface MachineToken {
  /** What people and the token endpoint call it; says nothing about the token. */
  readonly id: string
  /** Name of its `UserSession`. */
  readonly sub: string
  readonly subject: string
  /** The id of its grant for a resource. */
  readonly grantId: (resource: string) => Promise<string>
}

export interface NewMachineToken extends MachineToken {
  /** To be shown once. */
  readonly token: string
  readonly prefix: string
}

const RANDOM_BYTES = 24
const MAC_BYTES = 12
const PREFIX = 'tok_'
/** How the id of a machine begins. */
export const MACHINE_CLIENT = 'mch_'
const TOKEN = /^tok_[\w-]{48}$/
const PREFIX_SHOWN = 8
const ID_CHARACTERS = 22
/** The grant knows when it ends; the token does not. */
const NEVER = Number.MAX_SAFE_INTEGER

export class MachineTokens {
  readonly #ring: KeyRing
  readonly #issuer: string
  // As with signedTokens: remembering what was verified is safe, because the object decides whether the grant still lives.
  readonly #verified = new BoundedMap<string, Caller>(1_000)

  constructor(ring: KeyRing, issuer: string) {
    this.#ring = ring
    this.#issuer = issuer
  }

  async create(random: Uint8Array = crypto.getRandomValues(new Uint8Array(RANDOM_BYTES))): Promise<NewMachineToken> {
    const token = await authenticToken(this.#ring.current, random)
    const prefix = token.slice(PREFIX.length, PREFIX.length + PREFIX_SHOWN)
    return { ...(await this.#described(token, random, this.#ring.current)), token, prefix }
  }

  /** Who the token is; undefined when it was not issued by us. */
  async identify(token: string): Promise<MachineToken | undefined> {
    if (!TOKEN.test(token)) return undefined
    const random = base64url.decode(token.slice(PREFIX.length)).subarray(0, RANDOM_BYTES)
    for (const keys of [this.#ring.current, this.#ring.previous]) {
      if (keys && sameText(token, await authenticToken(keys, random))) return await this.#described(token, random, keys)
    }
    return undefined
  }

  /** The caller the token would speak for at the resource, with the scopes that are given; whether it may is for its session to say. */
  async verify(token: string, resource: string, scopes: readonly string[] = []): Promise<Caller | undefined> {
    const key = `${token} ${resource}`
    const known = this.#verified.get(key)
    if (known) return known
    const machine = await this.identify(token)
    if (!machine) return undefined
    const { sub, id: clientId } = machine
    const grantId = await machine.grantId(resource)
    const caller = { sub, clientId, grantId, generation: 1, resource, scopes, expiresAt: NEVER }
    this.#verified.set(key, caller)
    return caller
  }

  async #described(token: string, random: Uint8Array, keys: Keys): Promise<MachineToken> {
    const id = `${MACHINE_CLIENT}${(await sha256(`machine ${base64url.encode(random)}`)).slice(0, ID_CHARACTERS)}`
    const subject = `machine:${id}`
    return {
      id,
      subject,
      sub: await personName({ issuer: this.#issuer, subject }),
      grantId: async (resource) => base64url.encode(await hmac(keys.client, `machine grant ${token} ${resource}`)),
    }
  }
}

/** Whether this is meant to be one of ours; nothing about whether it is. */
export function looksLikeMachineToken(token: string): boolean {
  return token.startsWith(PREFIX)
}

async function authenticToken(keys: Keys, random: Uint8Array): Promise<string> {
  const mac = await hmac(keys.client, `machine ${base64url.encode(random)}`)
  return `${PREFIX}${base64url.encode(new Uint8Array([...random, ...mac.subarray(0, MAC_BYTES)]))}`
}
