//! Letting members leave that cannot do it themselves.

use std::ops::RangeInclusive;

use wire::Text;
use wire::messages::leave_group::{LeaveGroupRequest, LeaveGroupResponse, MemberIdentity};

use crate::admin::Admin;
use crate::admin::coordinators::Coordinated;
use crate::error::{ClientError, Refusal};

/// The versions that name several members (KIP-345).
const SEVERAL: RangeInclusive<i16> = 3..=i16::MAX;

impl Admin {
    /// Lets these members leave their group, at once. The first of them that cannot is an error; the
    /// others have left all the same.
    pub async fn remove_members(&mut self, group: &str, ids: &[String]) -> Result<(), ClientError> {
        let member = |id: &String| MemberIdentity {
            member_id: Text::from(id),
            ..MemberIdentity::default()
        };
        let request = LeaveGroupRequest {
            group_id: Text::from(group),
            members: ids.iter().map(member).collect(),
            ..LeaveGroupRequest::default()
        };
        let code = |response: &LeaveGroupResponse| response.error_code;
        let (_, response) = self
            .call_coordinator(&Coordinated::group(group), &request, SEVERAL, code)
            .await?;
        Refusal::check(response.error_code, None)?;
        for member in &response.members {
            Refusal::check(member.error_code, None)?;
        }
        Ok(())
    }
}
