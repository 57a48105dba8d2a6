// Stands in for the part of zod that writes JSON Schema: every schema takes it along, and nothing in the Worker asks for it. The OpenAPI
// document is made by scripts/reference, with all of zod.

function absent(): never {
  throw new Error('the Worker writes no JSON Schema')
}

/** What each schema is given as its method. */
export const createToJSONSchemaMethod = (): typeof absent => absent
/** The same, for Standard Schema. */
export const createStandardJSONSchemaMethod = (): typeof absent => absent
export { absent as toJSONSchema }
