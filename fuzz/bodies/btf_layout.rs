//! A BPF object and the number of one of its BTF types.

use std::io::Write;

use base64::Engine;

/// The first two bytes are a type id, little endian, the rest is the object: wraps it into a package whose every map exports
/// that type, so that the layout comes from the object's BTF alone.
pub(crate) fn btf_layout(bytes: &[u8]) -> bool {
    let Some((id, object)) = bytes.split_first_chunk::<2>() else { return false };
    let Some(plan) = planned(object, &[]) else { return false };
    let exported: Vec<_> =
        plan.maps.iter().filter(|map| map.section.is_none()).map(|map| export(&map.name, *id)).collect();
    planned(object, &exported).is_some_and(|plan| !plan.streams.is_empty())
}

fn export(map: &str, id: [u8; 2]) -> serde_json::Value {
    serde_json::json!({"name": map, "ident": map, "export_config": {"btf_type_id": u16::from_le_bytes(id)}})
}

fn planned(object: &[u8], maps: &[serde_json::Value]) -> Option<package::Plan> {
    let limits = super::limits();
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::none());
    zlib.write_all(object).expect("memory takes all");
    let packed = zlib.finish().expect("memory takes all");
    let file = serde_json::json!({
        "bpf_object": base64::engine::general_purpose::STANDARD.encode(packed),
        "bpf_object_size": object.len(),
        "meta": {
            "enable_multiple_export_types": true, "export_types": [],
            "bpf_skel": {"obj_name": "fuzz", "maps": maps, "progs": [], "data_sections": []},
        },
    });
    let package = package::open(file.to_string().as_bytes(), &limits).ok()?;
    let plan = package.plan(&limits).ok()?;
    super::check(&plan, &limits);
    Some(plan)
}
