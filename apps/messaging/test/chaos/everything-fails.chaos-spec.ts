import { promisesInChaos } from './promises-in-chaos';

/** Minutes of it: `npm run test:chaos`. */
describe('while everything fails in turn, again and again', () => promisesInChaos(3));
