// What a company's directory has told of a person by SCIM: the Directory keeps it, and a person's object asks where it counts.

/** About whom, and which groups their identity provider puts them in. */
export interface ProvisionedAsked {
  readonly sub: string
  readonly issuer: string
  readonly groups: readonly string[]
}

export interface Provisioned {
  /** False: shut out, whatever they can sign in with. */
  readonly active: boolean
  /** Groups it has put them in. */
  readonly groups: readonly string[]
  /** Groups it knows and has not put them in, whatever a token says. */
  readonly without: readonly string[]
}
