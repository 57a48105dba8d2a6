// A client as the Directory keeps it (RFC 7591 section 2, the members we act on).

export type ClientAuthMethod = 'none' | 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt'

/** Public keys as JSON text, or where they are published. */
export type ClientKeys = { readonly jwks: string } | { readonly jwksUri: string }

export interface ClientRecord {
  readonly id: string
  /** From the settings, from the document at the address that is its id, or what stands for `/.sts`; absent: it registered itself. */
  readonly knownBy?: 'settings' | 'document' | 'sts'
  /** Self-declared and therefore unverified, but for a client of the settings. */
  readonly name: string | undefined
  readonly redirectUris: readonly string[]
  readonly authMethod: ClientAuthMethod
  readonly grantTypes: readonly string[]
  readonly uri: string | undefined
  readonly applicationType: 'native' | 'web' | undefined
  readonly softwareId: string | undefined
  readonly softwareVersion: string | undefined
  /** What it signs with, if it signs. */
  readonly keys?: ClientKeys | undefined
  /** The only scopes it can be given; absent: all there are. */
  readonly scopes?: readonly string[] | undefined
  /** Until when its document need not be fetched again, in unix seconds. */
  readonly freshUntil?: number | undefined
  /** Unix seconds. */
  readonly registeredAt: number
  /** An administrator allows nobody to connect it any more. */
  readonly isBlocked?: boolean
  /** A person was let in by it: no stranger makes one so. */
  readonly isUsed?: boolean
}

/** Of a client that has said none of it. */
export const UNSAID = { uri: undefined, applicationType: undefined, softwareId: undefined, softwareVersion: undefined } as const

/** A client as administrators see it. */
export interface ListedClient extends ClientRecord {
  /** Unix seconds of the last time a person allowed it something, to the day. */
  readonly usedAt: number | undefined
  readonly blocked:
    | { readonly at: number; readonly by: string; readonly byName?: string | undefined; readonly why: string }
    | undefined
}

export interface ClientWithPeople extends ListedClient {
  /** How many have a grant for it. */
  readonly people: number
}
