export { InvalidCursor, openCursor, sealCursor, uuidBytes, uuidIn, uuidText } from './cursor';
export { type Page, pageOf } from './page';
export { DEFAULT_PAGE, MAX_PAGE, PageQuery } from './page-query';
