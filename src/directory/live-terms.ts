// What the router tells the Directory about who listens to its live feed; it alone can, nothing of the client's request is copied.

export const VISITOR_HEADER = 'x-broker-visitor'

/** Unix seconds until which they may listen. */
export const UNTIL_HEADER = 'x-broker-until'
