// How a `requestState` of the broker's own is told from one of a server's.

/** The request that brings it back is the object's, whatever the server behind it speaks by then; what follows is sealed. */
export const OWN_STATE = 'era-bridge.'
