// Every answer of the admin API that a test gets is held to the document in which the broker describes it.
import { ANSWERS } from '../../scripts/reference/openapi-schemas.ts'
import { OPERATIONS } from '../../scripts/reference/openapi.ts'

/** Those of this file's tests that were answered as they are described, as `get /people/{sub}`. */
export const answered = new Set<string>()

/** Throws where there is a member that is not described, or lacks one that is. Files are not looked at. */
export async function assertDescribed(method: 'get' | 'post', path: string, answer: Response): Promise<void> {
  if (answer.headers.get('content-type')?.startsWith('application/json') !== true) return
  const body: unknown = await answer.clone().json()
  if (!answer.ok) return void ANSWERS.Refusal.parse(body)
  const named = new URL(path, 'http://localhost').pathname
  const found = Object.entries(OPERATIONS).find(([name]) => matches(name, `${method} ${named}`))
  const described = found?.[1].answers[answer.status]
  if (!found || !described) throw new Error(`${method} ${named} answered ${answer.status}, which nothing describes`)
  ANSWERS[described].parse(body)
  answered.add(found[0])
}

function matches(operation: string, asked: string): boolean {
  const parts = operation.split('/')
  const said = asked.split('/')
  return parts.length === said.length && parts.every((part, index) => part.startsWith('{') || part === said[index])
}
