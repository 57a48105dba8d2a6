// Where the repository is; what the world runs is built there as for production (selfhost/bundle.ts).
export { ROOT } from '../../selfhost/bundle.ts'
