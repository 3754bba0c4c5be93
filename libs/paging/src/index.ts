export { InvalidCursor, openCursor, sealCursor, uuidBytes, uuidText } from './cursor';
export { DEFAULT_PAGE, MAX_PAGE, PageQuery } from './page-query';
