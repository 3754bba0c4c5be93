import { promisesInChaos } from './promises-in-chaos';

/** The short run, of some two minutes; the long one is `npm run test:chaos`. */
describe('while everything fails once', () => promisesInChaos(1));
