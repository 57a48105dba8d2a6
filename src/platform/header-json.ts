// JSON as the value of a header: values are Latin-1 to some and UTF-8 to others, and escaped JSON is ASCII to everybody.

export function headerJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
