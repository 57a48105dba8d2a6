// A registered client as the Directory keeps it (RFC 7591 section 2, the members we act on).

export type ClientAuthMethod = 'none' | 'client_secret_basic' | 'client_secret_post'

export interface ClientRecord {
  readonly id: string
  /** Self-declared and therefore unverified. */
  readonly name: string | undefined
  readonly redirectUris: readonly string[]
  readonly authMethod: ClientAuthMethod
  readonly grantTypes: readonly string[]
  readonly uri: string | undefined
  readonly applicationType: 'native' | 'web' | undefined
  readonly softwareId: string | undefined
  readonly softwareVersion: string | undefined
  /** Unix seconds. */
  readonly registeredAt: number
  /** An administrator allows nobody to connect it any more. */
  readonly isBlocked?: boolean
}

/** A client as administrators see it. */
export interface ListedClient extends ClientRecord {
  /** Unix seconds of the last time a person allowed it something, to the day. */
  readonly usedAt: number | undefined
  readonly blocked: { readonly at: number; readonly by: string; readonly why: string } | undefined
}
