//! From an opened package to a [`Plan`]: what the package says, compared with what the object is.

mod attach;
mod ctype;
mod custom;
mod entries;
mod flat;
mod maps;
mod members;
mod parameters;
mod streams;

use crate::btf::Btf;
use crate::description::Description;
use crate::object::{self, BtfMap, Object};
use crate::{Limits, Package, Plan, PlanError};

/// What the parts of the planning share.
pub(crate) struct Facts<'p> {
    pub(crate) description: &'p Description,
    pub(crate) object: Object<'p>,
    /// The object's BTF.
    pub(crate) btf: Option<Btf>,
    pub(crate) maps: Vec<BtfMap>,
    pub(crate) limits: &'p Limits,
    pub(crate) notes: Vec<String>,
}

impl Package {
    /// Checks the package's own description against the object, and lays out every stream and parameter.
    ///
    /// # Errors
    ///
    /// [`PlanError`], when the two disagree, or when the object cannot give what the package exports.
    pub fn plan(&self, limits: &Limits) -> Result<Plan, PlanError> {
        let object = Object::parse(self.object())?;
        let place = |source| PlanError::Btf { place: "the BPF object".to_owned(), source };
        let btf = match object.section(".BTF") {
            Some(section) => Some(Btf::parse(section.bytes, limits).map_err(place)?),
            None => None,
        };
        let maps = object::maps(&object, btf.as_ref()).map_err(place)?;
        let description = &self.description;
        let notes = description.notes.clone();
        let mut facts = Facts { description, object, btf, maps, limits, notes };
        let listed = maps::listed(&mut facts)?;
        Ok(Plan {
            object_name: self.name().to_owned(),
            programs: attach::programs(&mut facts)?,
            streams: streams::streams(&mut facts, &listed, self.generation())?,
            parameters: parameters::parameters(&mut facts)?,
            maps: facts.maps.into_iter().map(|map| map.map).collect(),
            notes: facts.notes,
        })
    }
}

impl Facts<'_> {
    /// The object's BTF, which `needed_by` cannot do without.
    pub(crate) fn needed_btf(&self, needed_by: &str) -> Result<&Btf, PlanError> {
        self.btf.as_ref().ok_or_else(|| PlanError::NoBtf { needed_by: needed_by.to_owned() })
    }
}

/// A BTF error of the object, as an error of the plan.
pub(crate) fn in_object(source: crate::btf::BtfError) -> PlanError {
    PlanError::Btf { place: "the BPF object".to_owned(), source }
}
