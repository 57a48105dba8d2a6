// JSON as the value of a header: values are Latin-1 to some and UTF-8 to others, and escaped JSON is ASCII to everybody.

const ASCII = /^[\x20-\x7e]*$/
const OTHER = /[^\x20-\x7e]/g

export function headerJson(value: unknown): string {
  const json = JSON.stringify(value)
  return ASCII.test(json) ? json : json.replaceAll(OTHER, escaped)
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
