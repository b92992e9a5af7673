/** The name of a script that the build made of the module. */
declare module "worker:*" {
  const name: string;
  export default name;
}
