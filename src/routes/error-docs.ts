// Where the code of a refusal is explained: on the operator's documentation site, if they have said where it is.
export interface Documented {
  /** Of the site, without a slash at its end. */
  readonly docs?: string | undefined
}

/** The anchors of the page are the codes. */
export function docsOf({ var: { docs } }: { readonly var: Documented }, code: string): string | undefined {
  return docs === undefined ? undefined : `${docs}/reference/errors#${code}`
}
