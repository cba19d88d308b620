//! The root module: the one symbol that a plugin file exports.

use abi_stable::{
    StableAbi,
    library::RootModule,
    package_version_strings,
    sabi_types::VersionStrings,
    std_types::{RResult, RVec},
};

use crate::{AbiError, Host, Plugin};

/// Entry points of a plugin file.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = ModuleRef)))]
pub struct Module {
    /// The manifest as JSON; equals the manifest section of the file byte for byte.
    pub describe: extern "C" fn() -> RVec<u8>,
    /// Makes a connector for one connection from its settings (JSON) and a host object.
    #[sabi(last_prefix_field)]
    pub create: extern "C" fn(settings: RVec<u8>, host: Host) -> RResult<Plugin, AbiError>,
}

impl RootModule for ModuleRef {
    abi_stable::declare_root_module_statics! {ModuleRef}

    const BASE_NAME: &'static str = "handoff_connector";
    const NAME: &'static str = "handoff connector";
    const VERSION_STRINGS: VersionStrings = package_version_strings!();
}

#[cfg(test)]
mod tests {
    /// The SDK's export macro has to write the name as a literal.
    #[test]
    fn the_root_symbol_has_the_name_that_the_export_macro_writes() {
        let name = abi_stable::library::ROOT_MODULE_LOADER_NAME;
        assert_eq!(name, "_1as_0lib_1header_0root_bmodule_bloader");
    }
}
