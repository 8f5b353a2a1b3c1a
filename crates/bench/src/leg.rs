//! One leg of the course: what has to be there for a run, the run, and what it says.
use std::{net::SocketAddr, sync::PoisonError};

use link::Link;

use crate::{
    course::Course,
    ends::{Crew, End, Trouble, at_target},
    errand::{Errand, Measured, Spot},
    host::Embedded,
    inventory::Inventory,
    results::Sides,
};

impl Course {
    /// Makes one run, with so many jobs and ranges.
    pub(crate) async fn measure(
        &self,
        (jobs, ranges): (usize, usize),
        inventory: &Inventory,
        crew: &dyn Crew,
    ) -> Result<Measured, Trouble> {
        if let Some(sites) = &self.sites {
            // Somebody else may have written it since it was looked for last.
            sites.target.must_lack(inventory).await.map_err(at_target)?;
            sites.target.take(inventory);
        }
        let empty = match (&self.target, &self.host) {
            (None, Some(host)) => Some(host.registry().await.map_err(Trouble::Here)?),
            _ => None,
        };
        let mut errand = Errand {
            source: self.source.spot(),
            target: self.target_spot(empty.as_ref()),
            images: inventory.roots.iter().map(ToString::to_string).collect(),
            jobs,
            ranges,
        };
        let upstream = self.target.as_ref().and_then(|end| end.upstream);
        let links = self.start_links(empty.as_ref().map(Embedded::address).or(upstream)).await?;
        if let Some(Sides { source, target }) = &links {
            (errand.source.via, errand.target.via) = (Some(source.address()), Some(target.address()));
        }
        *self.links.lock().unwrap_or_else(PoisonError::into_inner) = links;
        let measured = crew.run(errand).await.map_err(Trouble::Here)?;
        self.said(&measured);
        if let (Some(host), Some(empty)) = (&self.host, empty) {
            host.close(empty).await;
        }
        match &measured.failure {
            Some(told) => Err(Trouble::Side(told.error())),
            None => Ok(measured),
        }
    }

    /// Where the run writes: to the user's target, or to one of ours that has the source's repository.
    fn target_spot(&self, empty: Option<&Embedded>) -> Spot {
        let named = self.target.as_ref().map_or_else(|| self.source.spot(), End::spot);
        match empty {
            Some(empty) => Spot { registry: empty.address().to_string(), ..named },
            None => named,
        }
    }

    /// What is put before both registries.
    async fn start_links(&self, target: Option<SocketAddr>) -> Result<Option<Sides<Link>>, Trouble> {
        let (Some(link), Some(host)) = (self.plan.link, &self.host) else { return Ok(None) };
        let (Some(source), Some(target)) = (self.source.upstream, target) else { return Ok(None) };
        let source = host.link(source, link.of_source()).await.map_err(Trouble::Here)?;
        let target = host.link(target, link.of_target()).await.map_err(Trouble::Here)?;
        Ok(Some(Sides { source, target }))
    }

    fn said(&self, measured: &Measured) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.source.add(measured.run.source.totals());
        said.target.add(measured.run.target.totals());
    }
}
