export { InvalidCursor, openCursor, sealCursor, uuidBytes, uuidIn, uuidText } from './cursor';
export { type Page, pageOf } from './page';
export { PageQuery } from './page-query';
