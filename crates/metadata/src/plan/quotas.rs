//! Changing the quotas of clients.

use crate::image::Image;
use crate::quotas::{self, InvalidQuota, QuotaEntity};
use crate::record::MetadataRecord;

/// Sets limits of an entity, or removes those that are `None` (AlterClientQuotas); all or none. `None`
/// if everything is already as asked for.
pub fn plan_alter_client_quotas<'a>(
    image: &Image,
    entity: &QuotaEntity,
    changes: impl IntoIterator<Item = (&'a str, Option<f64>)>,
) -> Result<Option<MetadataRecord>, InvalidQuota> {
    let before = image.client_quotas().get(entity);
    let after = quotas::changed(before, changes)?;
    let is_same = match before {
        Some(before) => *before == after,
        None => after.is_empty(),
    };
    Ok((!is_same).then(|| MetadataRecord::ClientQuotas {
        entity: entity.clone(),
        quotas: after,
    }))
}
