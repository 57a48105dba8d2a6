// What administrators have taken back from everybody, or from all who use a client or a server: the Directory keeps it, and is asked where
// something begins from which tokens come. From then on its index leads to this person, and nobody need ask again.

/** What is about to begin for a person. */
export interface Opening {
  readonly sub: string
  /** Absent where no client is involved. */
  readonly clientId?: string
  readonly resource: string
}

export interface TakenBack {
  /** Nobody may use the client. */
  readonly isClientBlocked: boolean
  /** What began at this second (unix) or before has ended, whatever a person's object knows of it; 0 where nothing was taken back. */
  readonly notBefore: number
}
